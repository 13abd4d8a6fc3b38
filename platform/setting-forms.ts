import { z } from 'zod';

/** The forms that settings have: each reads a variable's text into its value, or says what is wrong with it. */

export const port = z.coerce.number().int().min(0).max(65_535);
export const positive = z.coerce.number().int().min(1);
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
export const webUrl = z.url({
  protocol: /^https?$/,
  error: 'must be an http:// or https:// URL',
});
export const webUrlOrNone = z.union([z.literal(''), webUrl]);
export const secretsKeys = z.string().transform((value, context) => {
  const keys = value.split(',').map((part) => Buffer.from(part.trim(), 'base64'));
  if (keys.some((key) => key.length !== 32)) {
    context.addIssue('must be base64 of 32 bytes (several, comma-separated: the first one seals)');
  }
  return keys;
});
export const seconds = z.string().transform((value, context) => {
  const parts = value === '' ? [] : value.split(',').map(Number);
  if (parts.some((part) => !Number.isInteger(part) || part < 0)) {
    context.addIssue('must be whole seconds, comma-separated');
  }
  return parts;
});
export const rate = z.string().transform((value, context) => {
  if (value === 'unlimited') return Infinity;
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) context.addIssue('must be a number, 0 or unlimited');
  return number;
});

const ASYMMETRIC = /^(RS|PS|ES)(256|384|512)$|^EdDSA$/;
export const algorithms = z.string().transform((value, context) => {
  const names = value.split(',').map((name) => name.trim());
  if (names.some((name) => !ASYMMETRIC.test(name))) {
    context.addIssue('must be asymmetric JWS algorithms, comma-separated');
  }
  return names;
});

export const origins = z.string().transform((value, context) => {
  const parts = value === '' ? [] : value.split(',').map((part) => part.trim());
  for (const part of parts) {
    if (part === 'loopback' || (URL.canParse(part) && new URL(part).origin === part)) continue;
    context.addIssue(`${part} is no origin (https://app.example.com)`);
  }
  return parts;
});
