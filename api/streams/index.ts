import type { AnyOperation } from '../http/operation';
import { createStream } from './create-stream';
import { listStreams } from './list-streams';
import { pollStream } from './poll-stream';

export const streamOperations = [
  createStream,
  listStreams,
  pollStream,
] as unknown as AnyOperation[];
