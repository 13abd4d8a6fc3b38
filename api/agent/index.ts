import type { AnyOperation } from '../http/operation';
import { bootstrapAgent } from './bootstrap-agent';
import { createBootstrapToken } from './create-bootstrap-token';

export const agentOperations = [createBootstrapToken, bootstrapAgent] as unknown as AnyOperation[];
