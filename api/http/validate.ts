import { z } from 'zod';
import { Fault } from '../../platform/fault';
import { NO_SUCH_ID } from './schemas';

const MOST_ISSUES = 50;

/** Checks input against its schema. Throws invalid_request with every issue, or not_found where only an id is malformed. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const parsed = resembled(schema, input).safeParse(input);
  if (parsed.success) return parsed.data as z.output<Schema>;
  const wrong = parsed.error.issues.filter((issue) => !isMissingThing(issue));
  if (wrong.length === 0) throw new Fault('not_found');
  const issues = wrong.slice(0, MOST_ISSUES).map(({ path, message }) => ({
    path: path.map(String).join('.'),
    message,
  }));
  const [first] = issues;
  throw new Fault('invalid_request', {
    message: first ? `${first.path || 'body'}: ${first.message}` : 'The request has invalid input.',
    details: { issues },
  });
}

/** Of a union the option whose fields the input has most of, so that issues name what the caller meant. */
function resembled(schema: z.ZodType, input: unknown): z.ZodType {
  if (!(schema instanceof z.ZodUnion) || input === null || typeof input !== 'object') return schema;
  const likeness = (option: z.ZodType): number =>
    option instanceof z.ZodObject
      ? Object.keys(option.shape as object).filter((key) => key in input).length
      : 0;
  const options = schema.options as z.ZodType[];
  return options.reduce((best, option) => (likeness(option) > likeness(best) ? option : best));
}

function isMissingThing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'custom' && issue.params?.['kind'] === NO_SUCH_ID;
}

const LONGEST_HEADER = 1_024;

/** The dotted paths of body fields that the schema doesn't know, fit for a header; '' where there are none. */
export function ignoredFields(schema: z.ZodType, value: unknown): string {
  const paths = [...unknownPaths(schema, value, '')].map((path) =>
    path.replace(/[^\w.[\]-]/g, '?'),
  );
  return paths.join(', ').slice(0, LONGEST_HEADER);
}

function* unknownPaths(schema: z.ZodType, value: unknown, path: string): Generator<string> {
  const inner = resembled(unwrap(schema), value);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      yield* unknownPaths(inner.element as z.ZodType, item, `${path}[${i}]`);
    }
  } else if (inner instanceof z.ZodObject && value !== null && typeof value === 'object') {
    const shape = inner.shape as Record<string, z.ZodType>;
    for (const [key, field] of Object.entries(value)) {
      const at = path === '' ? key : `${path}.${key}`;
      const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (known) yield* unknownPaths(known, field, at);
      else yield at;
    }
  }
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType);
  return schema;
}
