type Json = Record<string, unknown>;

const state = (...states: string[]): Json => ({ type: 'string', enum: states });
const object = (properties: Record<string, Json>): Json => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const READY = object({
  status: state('ready', 'not_ready'),
  postgres: state('up', 'away'),
  temporal: state('up', 'away'),
});

/** What needs no key and is no operation: how the process is doing, and what describes the API. */
export const HEALTH_PATHS: Record<string, Json> = {
  '/healthz': get('getHealth', 'Say that the process lives', {
    200: ['application/json', object({ status: state('ok') })],
  }),
  '/readyz': get('getReadiness', 'Say whether requests can be served', {
    200: ['application/json', READY],
    503: ['application/json', READY],
  }),
  '/metrics': get('getMetrics', 'Show the process’s metrics to Prometheus', {
    200: ['text/plain', { type: 'string' }],
  }),
  '/openapi.json': get('getOpenApi', 'Describe every operation (OpenAPI 3.1)', {
    200: ['application/json', { type: 'object' }],
  }),
  '/docs': get('getDocs', 'Show the reference page', { 200: ['text/html', { type: 'string' }] }),
};

function get(operationId: string, summary: string, answers: Record<number, [string, Json]>): Json {
  const responses = Object.entries(answers).map(([status, [type, schema]]) => [
    status,
    { description: status === '200' ? 'Success' : 'Not now', content: { [type]: { schema } } },
  ]);
  return {
    get: {
      operationId,
      summary,
      tags: ['health'],
      security: [],
      responses: Object.fromEntries(responses) as Json,
    },
  };
}
