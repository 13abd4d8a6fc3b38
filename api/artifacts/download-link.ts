import { Artifact } from '../../entities/artifact';
import { SECOND_MS } from '../../platform/clock';
import { Fault } from '../../platform/fault';
import { isId } from '../../platform/ids';
import type { ApiContext, Caller } from '../http/operation';

const LINK_SECONDS = 3_600;

/** Who looks at an artifact, and when. */
export interface Viewer {
  readonly caller: Pick<Caller, 'scopes'>;
  readonly context: Pick<ApiContext, 'config' | 'artifactLinks'>;
  readonly now: Date;
}

/** Whether the viewer may read what it holds: audit records are for who manages members. */
export function mayRead({ scopes }: Viewer['caller'], report: Artifact['report']): boolean {
  return report !== 'audit' || scopes.includes('members:manage');
}

/** Throws insufficient_scope unless the caller may read what it holds. */
export function requireReader(caller: Viewer['caller'], report: Artifact['report']): void {
  if (mayRead(caller, report)) return;
  throw new Fault('insufficient_scope', {
    message: 'Audit records are for callers who manage members.',
    details: { required: ['members:manage'] },
  });
}

/** Where it is downloaded with a key. */
export function plainUrl({ config }: Viewer['context'], { id }: Pick<Artifact, 'id'>): string {
  return `${config.PUBLIC_URL}/v1/artifacts/${id}/download`;
}

/** A link that lets whoever holds it download this one file for an hour. */
export function signedLink(
  { context, now }: Viewer,
  artifact: Pick<Artifact, 'id'>,
): { readonly url: string; readonly expiresAt: Date } {
  const expires = Math.floor(now.getTime() / SECOND_MS) + LINK_SECONDS;
  const token = `${expires}.${context.artifactLinks.sign(artifact.id, String(expires))}`;
  return {
    url: `${plainUrl(context, artifact)}?token=${token}`,
    expiresAt: new Date(expires * SECOND_MS),
  };
}

/** For whom a link in a request speaks; null where there is none. Throws insufficient_scope for one that isn't valid. */
export async function holderOfLink(
  context: ApiContext,
  { artifactId = '' }: Readonly<Record<string, string>>,
  { token }: Readonly<Record<string, string>>,
): Promise<Pick<Caller, 'orgId' | 'livemode' | 'scopes'> | null> {
  if (token === undefined) return null;
  const [expires = '', mac = '', ...more] = token.split('.');
  if (more.length > 0 || !context.artifactLinks.verify(mac, artifactId, expires)) {
    throw badLink('link_invalid', 'This download link is not valid.', 'Use it unchanged');
  }
  if (Number(expires) * SECOND_MS <= context.clock.now().getTime()) {
    throw badLink('link_expired', 'This download link has expired.', 'It was good for an hour');
  }
  const artifact = isId('art', artifactId)
    ? await context.db.getRepository(Artifact).findOneBy({ id: artifactId })
    : null;
  if (!artifact) throw new Fault('not_found');
  const { orgId, livemode } = artifact;
  return { orgId, livemode, scopes: ['read:sec', 'members:manage'] };
}

function badLink(reason: string, message: string, hint: string): Fault {
  return new Fault('insufficient_scope', {
    message,
    hint: `${hint}, or ask for a fresh one with a key: GET /v1/artifacts/{id} answers it as downloadUrl.`,
    details: { required: ['read:sec'], reason },
  });
}
