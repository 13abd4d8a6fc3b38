import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';

/** Whom a token names. */
export interface OidcIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** Only where the provider says that it verified it. */
  readonly verifiedEmail: string | null;
  readonly name: string | null;
}

/** Checks bearer tokens of one configured issuer. */
export interface OidcVerifier {
  readonly issuer: string;
  /** The identity, or null for a token that isn't valid now. Throws ProviderAway where that can't be told. */
  verify(token: string): Promise<OidcIdentity | null>;
  /** The provider's discovery document. Throws ProviderAway. */
  discovery(): Promise<Record<string, unknown>>;
}

/** The identity provider doesn't answer, and nothing it said before is enough. */
export class ProviderAway extends Error {
  readonly code = 'PROVIDER_AWAY';
}

export interface OidcOptions {
  readonly issuer: string;
  /** What `aud` must hold. */
  readonly audience: string;
  /** The signature algorithms that are accepted; never a symmetric one, never none. */
  readonly algorithms: readonly string[];
  /** Seconds by which clocks may differ. */
  readonly clockSkewSeconds: number;
}

const DISCOVERY_MS = 3_600_000;
const TIMEOUT_MS = 5_000;
const KEYS_MS = 600_000;
/** Between two fetches for a key that isn't known: strangers can't make us hammer the provider. */
const COOLDOWN_MS = 2_000;

/** A verifier with the provider's keys cached for ten minutes and fetched anew when a token names an unknown one. */
export function createOidcVerifier(options: OidcOptions): OidcVerifier {
  const issuer = options.issuer.replace(/\/+$/, '');
  let known: { readonly document: Record<string, unknown>; readonly until: number } | null = null;
  let keys: ReturnType<typeof createRemoteJWKSet> | null = null;

  async function discovery(): Promise<Record<string, unknown>> {
    if (known && known.until > Date.now()) return known.document;
    try {
      const answer = await fetch(`${issuer}/.well-known/openid-configuration`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      const document = (await answer.json()) as Record<string, unknown>;
      known = { document, until: Date.now() + DISCOVERY_MS };
      return document;
    } catch (cause) {
      if (known) return known.document;
      throw new ProviderAway(`the issuer ${issuer} can't be asked`, { cause });
    }
  }

  async function keySet() {
    if (keys) return keys;
    const { jwks_uri: uri } = await discovery();
    if (typeof uri !== 'string') throw new ProviderAway(`the issuer ${issuer} names no jwks_uri`);
    keys = createRemoteJWKSet(new URL(uri), {
      cacheMaxAge: KEYS_MS,
      cooldownDuration: COOLDOWN_MS,
      timeoutDuration: TIMEOUT_MS,
    });
    return keys;
  }

  return {
    issuer,
    discovery,
    async verify(token) {
      const find = await keySet();
      try {
        const { payload } = await jwtVerify(token, find, {
          issuer: [issuer, `${issuer}/`],
          audience: options.audience,
          algorithms: [...options.algorithms],
          clockTolerance: options.clockSkewSeconds,
          requiredClaims: ['exp', 'sub'],
        });
        return identityOf(issuer, payload);
      } catch (error) {
        if (isTokenFault(error)) return null;
        throw new ProviderAway(`the keys of ${issuer} can't be had`, { cause: error });
      }
    },
  };
}

/** Whether the token is to blame; else the provider is away. */
function isTokenFault(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return error.code !== errors.JWKSTimeout.code && error.code !== errors.JOSEError.code;
}

function identityOf(issuer: string, payload: JWTPayload): OidcIdentity | null {
  if (typeof payload.sub !== 'string' || payload.sub === '') return null;
  const { email, email_verified: verified, name } = payload;
  const vouched = verified === true || verified === 'true';
  return {
    issuer,
    subject: payload.sub,
    verifiedEmail: typeof email === 'string' && vouched ? email : null,
    name: typeof name === 'string' ? name : null,
  };
}
