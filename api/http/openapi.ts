import { z } from 'zod';
import { FAULTS } from '../../platform/fault';
import { HEALTH_PATHS } from './health-paths';
import { API_VERSION } from './request-state';
import type { AnyOperation } from './operation';

type Json = Record<string, unknown>;

const ERROR_SCHEMA = {
  type: 'object',
  required: ['object', 'id', 'code', 'type', 'message', 'requestId', 'details'],
  properties: {
    object: { const: 'error' },
    id: { type: 'string' },
    code: { type: 'string', enum: Object.keys(FAULTS) },
    type: { type: 'string', enum: [...new Set(Object.values(FAULTS).map((fault) => fault.type))] },
    message: { type: 'string' },
    requestId: { type: 'string' },
    traceparent: { type: 'string' },
    hint: { type: 'string' },
    docsUrl: { type: 'string' },
    details: { type: 'object' },
  },
};

const TEXT = { type: 'string' };
const EVERYWHERE = [400, 404, 405, 429, 431, 500, 503];

/** The OpenAPI 3.1 document, made from the same operations and schemas that route and validate. */
export function openApiDocument(operations: readonly AnyOperation[], publicUrl: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'SEC API Enterprise', version: API_VERSION, license: { name: 'Apache-2.0' } },
    servers: [{ url: publicUrl }],
    paths: { ...paths, ...HEALTH_PATHS },
    components: {
      schemas: { Error: ERROR_SCHEMA },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}

function describe(operation: AnyOperation): Json {
  const isPublic = operation.scope === 'public';
  const scopes =
    operation.scope === 'public' || operation.scope === 'any' ? [] : [operation.scope].flat();
  const { parameters, body } = inputOf(operation);
  return {
    operationId: operation.name,
    summary: operation.summary,
    tags: [operation.tag],
    security: isPublic ? [] : [{ apiKey: [] }, { bearer: [] }],
    ...(isPublic ? {} : { 'x-scopes': scopes }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { content: { 'application/json': { schema: body } } } } : {}),
    responses: responsesOf(operation),
  };
}

function inputOf(operation: AnyOperation): { parameters: Json[]; body: Json | null } {
  const schema = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as Json;
  delete schema['$schema'];
  const inPath = new Set([...operation.path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? ''));
  const hasBody = ['post', 'put', 'patch'].includes(operation.method);
  const properties = (schema['properties'] ?? {}) as Record<string, Json>;
  const required = new Set((schema['required'] ?? []) as string[]);
  const parameters: Json[] = [];
  for (const [name, field] of Object.entries(properties)) {
    const isPath = inPath.has(name);
    if (!isPath && hasBody && !operation.queryFields?.includes(name)) continue;
    delete properties[name];
    parameters.push({
      name,
      in: isPath ? 'path' : 'query',
      required: isPath || required.has(name),
      schema: field,
    });
  }
  if (!hasBody) return { parameters, body: null };
  const left = [...required].filter((name) => name in properties);
  return { parameters, body: { ...schema, required: left, additionalProperties: true } };
}

function responsesOf(operation: AnyOperation): Json {
  const reply = z.toJSONSchema(operation.reply, { unrepresentable: 'any' }) as Json;
  delete reply['$schema'];
  const options = reply['anyOf'] as Json[] | undefined;
  const success = options ? { ...reply, anyOf: options.map(withRequestId) } : withRequestId(reply);
  const hasBody = ['post', 'put', 'patch'].includes(operation.method);
  const failures = [
    ...EVERYWHERE,
    ...(operation.scope === 'public' && !hasBody ? [] : [401, 402, 403]),
    ...(operation.method === 'get' ? [] : [409]),
    ...(hasBody ? [413, 415, 422] : []),
    ...(operation.otherFailures ?? []),
  ].sort();
  const statuses = [operation.status ?? 200, ...(operation.otherStatuses ?? [])];
  const [json, others] = [true, false].map((isJson) =>
    (operation.forms ?? []).filter((form) => form.startsWith('application/json') === isJson),
  ) as [string[], string[]];
  const content = {
    'application/json': {
      schema: json.length > 0 ? { anyOf: [success, { description: 'A file of JSON' }] } : success,
    },
    ...Object.fromEntries(others.map((form) => [form, { schema: TEXT }])),
  };
  return Object.fromEntries([
    ...statuses.map((status) => [String(status), { description: 'Success', content }]),
    ...failures.map((status) => [
      String(status),
      {
        description: 'Error',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    ]),
  ]) as Json;
}

/** Every reply carries the request's id, and may have more than is written here. */
function withRequestId(schema: Json): Json {
  const properties = { ...(schema['properties'] as Json), requestId: { type: 'string' } };
  return { ...schema, properties, additionalProperties: true };
}
