/** What a page of the fake answers. */
export interface Page {
  readonly status: number;
  readonly html: string;
  readonly location?: string;
}

/** A request to a page, with its form decoded. */
export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1a1f36;--quiet:#697386;--line:#e3e8ee;--paper:#fff;--ground:#f6f8fa;--accent:#635bff}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9f0;--quiet:#9aa4b5;--line:#2c3342;--paper:#171b26;--ground:#0e1118}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;background:var(--ground);color:var(--ink);margin:0}
main{max-width:30rem;margin:8vh auto;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:12px}
h1{font-size:1.25rem;margin:0 0 1rem}h2{font-size:.8rem;color:var(--quiet);text-transform:uppercase;letter-spacing:.05em;margin:1.75rem 0 .5rem}
.sum{display:flex;justify-content:space-between;align-items:baseline;border-bottom:1px solid var(--line);padding-bottom:1rem;margin-bottom:1rem}
.sum b{font-size:1.6rem}label{display:block;font-size:.85rem;color:var(--quiet);margin:.75rem 0 .25rem}
input,select{font:inherit;width:100%;padding:.55rem .7rem;border:1px solid var(--line);border-radius:8px;background:var(--paper);color:var(--ink)}
button{font:inherit;padding:.55rem 1rem;border:1px solid var(--line);border-radius:8px;background:var(--paper);color:var(--ink);cursor:pointer;margin:.3rem .3rem 0 0}
button.main{background:var(--accent);border-color:var(--accent);color:#fff;width:100%;margin-top:1.25rem;padding:.7rem}
.row{display:flex;gap:.6rem}.row>*{flex:1}ul{padding:0;list-style:none;margin:0}li{display:flex;justify-content:space-between;padding:.35rem 0;border-bottom:1px solid var(--line)}
footer{margin-top:1.75rem;color:var(--quiet);font-size:.8rem}a{color:var(--accent)}.said{background:#fdf0d5;color:#6b4e00;padding:.6rem .8rem;border-radius:8px}`;

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

export const dollars = (cents: number): string => `$${(cents / 100).toFixed(2)}`;

/** A whole page around a body that is escaped already. */
export function page(status: number, title: string, body: string): Page {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${STYLE}</style><main><h1>${escaped(title)}</h1>${body}
<footer>A stand-in for Stripe on this machine. No money moves.</footer></main></html>`;
  return { status, html };
}

export const goTo = (location: string): Page => ({ status: 303, html: '', location });

export const button = (act: string, label: string, main = false): string =>
  `<button name="act" value="${act}"${main ? ' class="main"' : ''}>${escaped(label)}</button>`;
