/** Waits until a URL answers 200 and its JSON satisfies. Throws after `timeoutMs`. */
export async function waitForUrl(
  url: string,
  satisfies: (body: Record<string, unknown>) => boolean = () => true,
  timeoutMs = 60_000,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    try {
      const response = await fetch(url);
      const body = (await response.json()) as Record<string, unknown>;
      if (response.ok && satisfies(body)) return;
    } catch {
      // Not up yet.
    }
    if (Date.now() > until) throw new Error(`${url} did not come up; see .local/logs/`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
