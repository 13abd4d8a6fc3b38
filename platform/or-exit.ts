/** A reason not to start that a person mends: its message is all that they need. */
export class StartError extends Error {}

/** Does what a start needs; where it throws a StartError, prints its message alone and exits with 1. */
export async function orExit<Value>(act: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
