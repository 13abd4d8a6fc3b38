import type { AnyOperation } from '../http/operation';
import { authorizeUsage } from './authorize-usage';
import { getUsage } from './get-usage';
import { reportUsage } from './report-usage';
import { commitCharge, releaseCharge } from './settle-charge';

export const usageOperations = [
  authorizeUsage,
  commitCharge,
  releaseCharge,
  reportUsage,
  getUsage,
] as unknown as AnyOperation[];
