import { FAULTS } from '../../platform/fault';

/** The reference page: every operation and every error code, in one page that needs nothing from elsewhere. */
export function docsPage(document: Record<string, unknown>): string {
  const paths = document['paths'] as Record<string, Record<string, DocumentedOperation>>;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(operations.map(({ operation }) => operation.tags[0] ?? ''))];
  const sections = tags.map((tag) => {
    const rows = operations
      .filter(({ operation }) => operation.tags[0] === tag)
      .map(({ path, method, operation }) => operationRow(path, method, operation));
    return `<section id="${escape(tag)}"><h2>${escape(tag)}</h2>${rows.join('')}</section>`;
  });
  const links = tags.map((tag) => `<a href="#${escape(tag)}">${escape(tag)}</a>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SEC API Enterprise</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>
<nav><b>SEC API Enterprise</b>${links}<a href="#errors">Errors</a></nav>
<main><h1>API reference</h1>${sections.join('')}<section id="errors"><h2>Errors</h2>${errorRows()}</section></main>
</body></html>`;
}

interface DocumentedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly 'x-scopes'?: readonly string[];
  readonly parameters?: readonly { name: string; in: string; required: boolean }[];
  readonly requestBody?: { content: Record<string, { schema: JsonSchema }> };
}

interface JsonSchema {
  readonly properties?: Record<string, unknown>;
  readonly required?: readonly string[];
}

function operationRow(path: string, method: string, operation: DocumentedOperation): string {
  const scopes = operation['x-scopes'];
  const needs =
    scopes === undefined ? 'no key' : scopes.length === 0 ? 'any key' : scopes.join(' or ');
  const body = operation.requestBody?.content['application/json']?.schema;
  const fields = [
    ...(operation.parameters ?? []).map(({ name, in: where, required }) => ({
      name,
      where,
      required,
    })),
    ...Object.keys(body?.properties ?? {}).map((name) => ({
      name,
      where: 'body',
      required: body?.required?.includes(name) ?? false,
    })),
  ].map(
    ({ name, where, required }) =>
      `<tr><td><code>${escape(name)}</code></td><td>${where}</td><td>${required ? 'required' : ''}</td></tr>`,
  );
  const table = fields.length > 0 ? `<table>${fields.join('')}</table>` : '';
  return `<article id="${operation.operationId}"><h3><span class="${method}">${method.toUpperCase()}</span>
<code>${escape(path)}</code></h3><p>${escape(operation.summary)}. <small>Needs ${escape(needs)}.</small></p>${table}</article>`;
}

function errorRows(): string {
  const rows = Object.entries(FAULTS).map(
    ([code, fault]) =>
      `<tr id="error-${code}"><td>${fault.status}</td><td><code>${code}</code></td><td>${escape(fault.message)}${
        'hint' in fault ? `<br><small>${escape(fault.hint)}</small>` : ''
      }</td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

const STYLE = `:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{margin:0;font:16px/1.5 system-ui,sans-serif;display:flex}nav{position:sticky;top:0;height:100vh;padding:1.5rem;
min-width:11rem;border-right:1px solid var(--line);display:flex;flex-direction:column;gap:.4rem;box-sizing:border-box}
nav a{color:inherit;text-decoration:none;text-transform:capitalize}nav a:hover{text-decoration:underline}
main{padding:1.5rem 2.5rem;max-width:60rem}h2{text-transform:capitalize;margin-top:2.5rem}
article{border-top:1px solid var(--line);padding:.5rem 0}h3{font-size:1rem;margin:.5rem 0}code{font-size:.95em}
h3 span{display:inline-block;min-width:4rem;font:700 .75rem system-ui;color:#2a7}.post,.put,.patch{color:#07c}
h3 .post,h3 .put,h3 .patch{color:#28c}h3 .delete{color:#c43}table{border-collapse:collapse;font-size:.9rem}
td{padding:.2rem 1rem .2rem 0;border-bottom:1px solid var(--soft);vertical-align:top}:target{background:#fd33}`;
