import { createLog } from '../../platform/log';

describe('the log', () => {
  it('tells an error of Temporal in words, without the bytes of its metadata', () => {
    const lines: string[] = [];
    const log = createLog('test', 'info', { write: (line) => void lines.push(line) });
    const error = Object.assign(new Error('Namespace secapi is not found.'), {
      code: 5,
      metadata: { 'grpc-status-details-bin': [Buffer.from('bytes')] },
    });
    log.warn({ err: error }, 'told');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { code: 5, message: error.message } });
    expect(lines[0]).not.toContain('metadata');
  });

  it('tells what is no error, but logged as one, as it is', () => {
    const lines: string[] = [];
    const log = createLog('test', 'info', { write: (line) => void lines.push(line) });
    for (const err of ['Status { code: Unavailable }', null]) log.warn({ err }, 'told');
    expect(lines.map((line) => (JSON.parse(line) as { err: unknown }).err)).toEqual([
      'Status { code: Unavailable }',
      null,
    ]);
  });
});
