import type { StackFile } from './stack-file';

/** What to try first, printed when everything is up. */
export function readyPanel(stack: StackFile, seconds: number): string {
  const bold = (text: string): string =>
    process.stdout.isTTY ? `\u001b[1m${text}\u001b[22m` : text;
  return `
${bold(`SEC API Enterprise is ready`)} (${seconds.toFixed(1)} s)

  API          ${stack.apiUrl}        docs ${stack.apiUrl}/docs
  Temporal UI  ${stack.temporalUiUrl}
  Receiver     ${stack.receiverUrl}        what it got: ${stack.receiverUrl}/requests
  Stripe       ${stack.stripeUrl ?? 'the account of STRIPE_SECRET_KEY'}        a stand-in: checkout pages can be clicked through
  live key     ${stack.apiKey}
  test key     ${stack.testApiKey}
  operator     ${stack.operatorKey}

${bold('Try')} (another shell, from this folder):

  export API=${stack.apiUrl} KEY=${stack.apiKey}
  curl -s $API/v1/webhook_endpoints -H "x-api-key: $KEY" -H 'content-type: application/json' \\
    -d '{"destinationUrl":"${stack.receiverUrl}/fail/1","subscribedEventTypes":["filing.published"]}'
  curl -s $API/v1/events -H "x-api-key: $KEY" -H 'content-type: application/json' \\
    -d '{"type":"filing.published","data":{"accessionNumber":"0000320193-26-000001","form":"10-K","ticker":"AAPL"}}'
  curl -s $API/v1/deliveries -H "x-api-key: $KEY"

Everything is kept in .local/; Ctrl-C stops it all.
`;
}
