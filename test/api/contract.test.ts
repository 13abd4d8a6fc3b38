import { openApiDocument } from '../../api/http/openapi';
import { operations } from '../../api/operations';
import { CONTRACT, type Answers } from './contract-paths';

type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- a document looked into

const document = openApiDocument(operations, 'http://localhost');
/** By method and path with `{}` for every parameter. */
const described = new Map<string, Json>(
  Object.entries(document['paths'] as Json).flatMap(([path, methods]) =>
    Object.entries(methods as Json).map(
      ([method, operation]) => [`${method} ${path.replace(/\{\w+\}/g, '{}')}`, operation] as const,
    ),
  ),
);

/** What the schemas of an operation's successes say that it answers. */
function answersOf(operation: Json): Answers[] {
  const successes = Object.entries(operation['responses'] as Json).filter(([status]) =>
    status.startsWith('2'),
  );
  const schemas = successes.flatMap(([, { content }]) => {
    const schema = content?.['application/json']?.schema as Json | undefined;
    return schema === undefined ? [] : ((schema['anyOf'] ?? [schema]) as Json[]);
  });
  return schemas.flatMap(({ properties }) => {
    const object = properties?.object?.const as string | undefined;
    const item = properties?.data?.items?.properties?.object?.const as string | undefined;
    return [object ?? null, ...(item === undefined ? [] : [`${object} of ${item}`])];
  });
}

describe('openapi.json', () => {
  it('has every operation of the contract', () => {
    const missing = CONTRACT.map(([method, path]) => `${method} ${path}`).filter(
      (name) => !described.has(name),
    );
    expect(missing).toEqual([]);
  });

  it('says of each what the contract says that it answers', () => {
    const wrong = CONTRACT.flatMap(([method, path, answers]) => {
      const operation = described.get(`${method} ${path}`);
      if (!operation || answers === null) return [];
      const said = answersOf(operation);
      return said.includes(answers)
        ? []
        : [`${method} ${path}: ${said.join(', ')}, not ${answers}`];
    });
    expect(wrong).toEqual([]);
  });
});
