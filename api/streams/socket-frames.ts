import { subscriptionPatterns } from '../../entities/publish-event';
import type { FeedRecord } from '../../entities/stream-feed';
import { rawJson, stringifyWithRaw } from '../../platform/raw-json';

export const FILING = 'filing.published';

/** Which filings a socket wants; an empty list: all. Compared without regard to case. */
export interface FilingFilters {
  readonly forms: readonly string[];
  readonly tickers: readonly string[];
}

interface Filing {
  readonly accessionNumber: string | null;
  readonly form: string | null;
  readonly ticker: string | null;
  readonly cik: string | null;
  readonly completedAt: string;
}

/** Many sockets get the same record at once: it is read and written once for all of them. */
const filings = new WeakMap<FeedRecord, Filing>();
const frames = {
  fresh: new WeakMap<FeedRecord, string>(),
  replayed: new WeakMap<FeedRecord, string>(),
};

/** What a filing's event says of it; what the producer left out is null, its completion the time it occurred. */
function filingOf(record: FeedRecord): Filing {
  const known = filings.get(record);
  if (known) return known;
  const filing = readFiling(record);
  filings.set(record, filing);
  return filing;
}

function readFiling({ dataText, occurredAt }: FeedRecord): Filing {
  const data = JSON.parse(dataText) as Record<string, unknown>;
  const field = (name: string): string | null => {
    const value = data[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  };
  return {
    accessionNumber: field('accessionNumber'),
    form: field('form'),
    ticker: field('ticker'),
    cik: field('cik'),
    completedAt: field('completedAt') ?? occurredAt.toISOString(),
  };
}

/** Whether a socket wants a record: by its type first, a filing by its form and ticker too. */
export function isWanted(
  record: FeedRecord,
  types: readonly string[],
  filters: FilingFilters,
): boolean {
  if (types.length > 0) {
    const patterns = subscriptionPatterns(record.eventType);
    if (!types.some((type) => patterns.includes(type))) return false;
  }
  if (record.eventType !== FILING) return true;
  if (filters.forms.length === 0 && filters.tickers.length === 0) return true;
  const { form, ticker } = filingOf(record);
  return isAmong(form, filters.forms) && isAmong(ticker, filters.tickers);
}

function isAmong(value: string | null, wanted: readonly string[]): boolean {
  if (wanted.length === 0) return true;
  return wanted.some((each) => each.toUpperCase() === value?.toUpperCase());
}

/** A record as a frame; its data as the producer wrote it, byte for byte. */
export function recordFrame(record: FeedRecord, deliveredAt: Date, replayed: boolean): string {
  const written = replayed ? frames.replayed : frames.fresh;
  const known = written.get(record);
  if (known !== undefined) return known;
  const { id, eventId, eventType, dataText } = record;
  const frame = stringifyWithRaw({
    event: eventType,
    ...(eventType === FILING ? { filing: filingOf(record) } : {}),
    data: rawJson(dataText),
    eventId,
    cursor: id,
    deliveredAt: deliveredAt.toISOString(),
    ...(replayed ? { replayed } : {}),
  });
  written.set(record, frame);
  return frame;
}
