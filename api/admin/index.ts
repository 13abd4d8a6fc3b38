import type { AnyOperation } from '../http/operation';
import { createOrganizationOperation } from './create-organization';
import { getOrganizationSnapshot } from './get-organization';
import { listOrganizations } from './list-organizations';
import {
  explainRequestOfOrganization,
  summarizeDeliveriesOfOrganization,
} from './look-into-organization';
import { exportObservability, getObservability } from './observe';
import { setLimits } from './set-limits';
import { resumeOrganizationOperation, suspendOrganizationOperation } from './suspend-organization';

export const adminOperations = [
  createOrganizationOperation,
  listOrganizations,
  getOrganizationSnapshot,
  suspendOrganizationOperation,
  resumeOrganizationOperation,
  setLimits,
  explainRequestOfOrganization,
  summarizeDeliveriesOfOrganization,
  getObservability,
  exportObservability,
] as unknown as AnyOperation[];
