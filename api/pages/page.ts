import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import rawBody from 'raw-body';

const MOST_BYTES = 8_192;
const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f6f7f9; color: #16202c; }
  main { max-width: 30rem; margin: 12vh auto; padding: 2.5rem; background: #fff; border-radius: 12px;
    box-shadow: 0 1px 3px rgb(0 0 0 / 12%); }
  h1 { font-size: 1.35rem; margin: 0 0 1rem; }
  dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; margin: 0 0 1.5rem; }
  dt { color: #5b6b7c; } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
  button { font: inherit; padding: .55rem 1.2rem; border: 0; border-radius: 8px; background: #1a5fb4; color: #fff; cursor: pointer; }
  button.quiet { background: #e4e8ed; color: #16202c; margin-left: .5rem; }
  input[type=text], input[type=number] { font: inherit; padding: .5rem; border: 1px solid #c6cfd8; border-radius: 8px; }
  .bad { color: #a51d2d; }
  @media (prefers-color-scheme: dark) {
    body { background: #10151b; color: #e6ebf0; } main { background: #1a222c; }
    dt { color: #93a3b4; } button.quiet { background: #2c3846; color: #e6ebf0; }
    input { background: #10151b; color: inherit; }
  }`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Answers a small page for a person: a title and a body of trusted HTML (everything variable escaped by `html`). */
export function answerPage(ctx: Context, status: number, title: string, body: string): void {
  ctx.status = status;
  ctx.type = 'text/html; charset=utf-8';
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Referrer-Policy', 'no-referrer');
  ctx.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${STYLE}</style><main><h1>${escape(title)}</h1>${body}</main></html>`;
}

/** HTML with every value escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts.reduce((text, part, i) => text + escape(String(values[i - 1] ?? '')) + part);
}

/** The fields of a posted form. Throws what raw-body throws for one that is too large. */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  const body = await rawBody(ctx.req, { limit: MOST_BYTES, encoding: 'utf8' });
  return new URLSearchParams(body);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
