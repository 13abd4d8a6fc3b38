import type { AnyOperation } from '../http/operation';
import { createOrganizationOperation } from './create-organization';
import { getOrganizationSnapshot } from './get-organization';
import { listOrganizations } from './list-organizations';
import { setLimits } from './set-limits';
import { resumeOrganizationOperation, suspendOrganizationOperation } from './suspend-organization';

export const adminOperations = [
  createOrganizationOperation,
  listOrganizations,
  getOrganizationSnapshot,
  suspendOrganizationOperation,
  resumeOrganizationOperation,
  setLimits,
] as unknown as AnyOperation[];
