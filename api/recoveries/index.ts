import type { AnyOperation } from '../http/operation';
import { cancelRecovery, pauseRecovery, resumeRecovery } from './decide-recovery';
import { getRecovery } from './get-recovery';
import { recoverEndpoint } from './recover-endpoint';

export const recoveryOperations = [
  recoverEndpoint,
  getRecovery,
  pauseRecovery,
  resumeRecovery,
  cancelRecovery,
] as unknown as AnyOperation[];
