import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { Provider } from 'oidc-provider';

/** A real OpenID provider in this process; it serves discovery and keys, and the test signs with those keys. */
export interface IdentityProvider {
  readonly issuer: string;
  /** The public half of the signing key, as the provider shows it. */
  readonly publicJwk: JsonWebKey;
  /** A token as the provider would give it: signed with its key unless said otherwise. */
  token(claims: JWTPayload, options?: { header?: object; key?: JsonWebKey }): Promise<string>;
  /** Signs with a new key from now on. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

interface SigningKey {
  readonly privateJwk: JsonWebKey & { kid: string };
  readonly publicJwk: JsonWebKey;
}

function newKey(kid: string): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const more = { kid, alg: 'RS256', use: 'sig' };
  return {
    privateJwk: { ...privateKey.export({ format: 'jwk' }), ...more },
    publicJwk: { ...publicKey.export({ format: 'jwk' }), ...more },
  };
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  let handle: (...args: Parameters<ReturnType<Provider['callback']>>) => unknown;
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = [newKey('one')];
  const serve = (): void => {
    const jwks = { keys: keys.map((key) => key.privateJwk) };
    const quiet = jest.spyOn(console, 'warn').mockImplementation();
    handle = new Provider(issuer, { jwks, clients: [], cookies: { keys: ['test'] } }).callback();
    quiet.mockRestore();
  };
  serve();
  const newest = (): SigningKey => keys.at(-1) as SigningKey;
  return {
    issuer,
    get publicJwk() {
      return newest().publicJwk;
    },
    async token(claims, { header = {}, key } = {}) {
      const signWith = key ?? newest().privateJwk;
      const protectedHeader = { alg: 'RS256', kid: newest().privateJwk.kid, ...header };
      const now = Math.floor(Date.now() / 1_000);
      const payload = { iss: issuer, iat: now, exp: now + 300, ...claims };
      return new SignJWT(payload)
        .setProtectedHeader(protectedHeader)
        .sign(await importJWK(signWith, protectedHeader.alg));
    },
    async rotate() {
      keys.push(newKey(`key-${keys.length + 1}`));
      serve();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
