import type { AnyOperation } from '../http/operation';
import { createOrganizationOperation } from './create-organization';

export const adminOperations = [createOrganizationOperation] as unknown as AnyOperation[];
