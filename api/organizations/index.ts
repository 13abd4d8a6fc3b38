import type { AnyOperation } from '../http/operation';
import { getMe } from './get-me';
import { getOrganization } from './get-organization';

export const organizationOperations = [getMe, getOrganization] as unknown as AnyOperation[];
