import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';

/** Says every mail that is written to the folder from now on, with the link it holds. */
export function announceMail(folder: string, say: (text: string) => void): void {
  mkdirSync(folder, { recursive: true });
  const known = new Set(readdirSync(folder));
  watch(folder, () => {
    for (const name of readdirSync(folder)) {
      if (known.has(name) || !name.endsWith('.eml')) continue;
      known.add(name);
      say(describeMail(readFileSync(join(folder, name), 'utf8')));
    }
  }).unref();
}

/** One line: to whom, about what, and the first link. */
export function describeMail(mail: string): string {
  const head = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(mail)?.[1] ?? '';
  const [link] = /https?:\/\/\S+/.exec(mail) ?? [];
  return `Mail to ${head('To')}: ${head('Subject')}${link ? `\n    ${link}` : ''}`;
}
