// Requests whose responses are resources anywhere: reports and searches.
import { ResourceCollector } from "./resource_collector.js";
import type { nx_resource } from "./resource.js";
import { isRefused } from "./response_element.js";
import type { RequestSpec, Call } from "./call.js";

/** What is wanted of a response. */
export interface Wanting {
  /** At most so many resources; then a response that was cut short is as good as any. */
  readonly limit?: number;
  /** Resources may be anywhere, not only below the path that is asked. */
  readonly isAnywhere?: boolean;
}

/** Gives what a request answers, each resource once. */
export async function* report(
  call: Call,
  spec: RequestSpec,
  { limit = Infinity, isAnywhere = false }: Wanting = {},
): AsyncGenerator<nx_resource[]> {
  const { path, context } = spec;
  const collector = new ResourceCollector(path, context, isAnywhere);
  let left = limit;
  const batches = call.batches(spec, (response, batch) => {
    // what cannot be asked is no result of its own question
    const isRefusal = isRefused(response);
    collector.take(response, batch, (kind) => kind !== "self" || !isRefusal);
  });
  for await (const batch of batches) {
    if (left > 0) yield batch.length > left ? batch.slice(0, left) : batch;
    left -= batch.length;
    // a server that was told the limit has nothing more to say, and its connection can be kept
    if (left < 0) return;
  }
  collector.checkOwn(path);
  if (limit === Infinity) collector.checkWhole(path);
}
