// Requests whose responses are resources anywhere: reports and searches.
import { mapSupply, type Supply } from "./batches.js";
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
): AsyncGenerator<Supply<nx_resource>> {
  const { path, context } = spec;
  const collector = new ResourceCollector(path, context, isAnywhere);
  let left = limit;
  const supplies = call.batches(spec, (response, batch) => {
    // what cannot be asked is no result of its own question
    const isRefusal = isRefused(response);
    collector.take(response, batch, (kind) => kind !== "self" || !isRefusal);
  });
  const cut = (batch: nx_resource[]): nx_resource[] => {
    const given = batch.length > left ? batch.slice(0, Math.max(left, 0)) : batch;
    left -= batch.length;
    return given;
  };
  for await (const supply of supplies) {
    const bounded = mapSupply(supply, cut);
    yield { more: () => (left < 0 ? null : bounded.more()) };
    // a server that was told the limit has nothing more to say, and its connection can be kept
    if (left < 0) return;
  }
  collector.checkOwn(path);
  if (limit === Infinity) collector.checkWhole(path);
}
