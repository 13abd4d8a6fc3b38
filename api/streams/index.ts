import type { AnyOperation } from '../http/operation';
import { createStream } from './create-stream';
import { createStreamTicket } from './create-ticket';
import { deleteStream } from './delete-stream';
import { getStream } from './get-stream';
import { listStreams } from './list-streams';
import { openStreamSocket } from './open-socket';
import { pollStream } from './poll-stream';
import { updateStream } from './update-stream';

export const streamOperations = [
  createStream,
  listStreams,
  getStream,
  updateStream,
  deleteStream,
  pollStream,
  createStreamTicket,
  openStreamSocket,
] as unknown as AnyOperation[];
