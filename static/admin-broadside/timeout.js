/* Ending requests on a line that hangs. */

export const PATIENCE = 30_000; // milliseconds after which the server counts as unreachable

/** Return a signal for a request, which its own `controller` can end earlier. (`AbortSignal.timeout` is newer than some of
 * the browsers that have to work.) */
export function timeout(controller = new AbortController()) {
  setTimeout(() => controller.abort(), PATIENCE);
  return controller.signal;
}
