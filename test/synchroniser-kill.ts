// The synchroniser killed at any moment, while people write on both sides: when it has been run to
// its end, both sides are alike and no version that anybody wrote last is lost. Needs the build.
import * as fs from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import t from "tap";
import { seeded } from "./fixtures/feed.js";
import { folder, OWN, replaceFile, run, serve, start, treeOf } from "./fixtures/synchroniser.js";

/** People who write on both sides, and remember what nobody has overwritten or removed. */
class People {
  readonly alive = new Set<string>();
  #random: () => number;
  #count = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Somebody does something to a file of a folder. */
  act(root: string): void {
    const files = Object.keys(treeOf(root)).filter((name) => !name.endsWith("/"));
    const known = files[Math.floor(this.#random() * files.length)];
    const kind = this.#random();
    if (known === undefined || kind < 0.3) {
      const name = `f${Math.floor(this.#random() * 6)}.txt`;
      const parent = ["", "d", "d/e"][Math.floor(this.#random() * 3)] ?? "";
      fs.mkdirSync(path.join(root, parent), { recursive: true });
      this.#write(path.join(root, parent, name));
    } else if (kind < 0.85) {
      this.#write(path.join(root, known));
    } else {
      this.#end(path.join(root, known));
      fs.rmSync(path.join(root, known));
    }
  }

  #end(file: string): void {
    if (fs.existsSync(file)) this.alive.delete(fs.readFileSync(file, "utf8"));
  }

  #write(file: string): void {
    this.#end(file);
    const text = `version ${++this.#count} ${".".repeat(this.#count)}`;
    this.alive.add(text);
    replaceFile(file, text);
  }
}

for (const seed of [1, 2, 3]) {
  t.test(`killed at any request, nothing is lost (seed ${seed})`, async (t) => {
    const server = await serve(t);
    const root = path.join(server.root, "c");
    fs.mkdirSync(root);
    const [a, url] = [folder(t), `${server.url}/c/`];
    const random = seeded(seed);
    const people = new People(random);
    let asked = 0;
    server.server.prependListener("request", () => asked++);
    // a request of a client that was killed is still being carried out
    const idle = async (): Promise<void> => {
      while (server.log.length < asked) await setImmediate();
    };
    for (let i = 0; i < 12; i++) people.act(i % 2 ? a : root);
    let kills = 0;
    for (let life = 1; life <= 7; life++) {
      for (let i = 0; i < 3; i++) people.act(random() < 0.5 ? a : root);
      const { child, ended } = start(a, url, "--emptied");
      const fatal = 2 + Math.floor(random() * 14);
      const meddling = 2 + Math.floor(random() * 10);
      let requests = 0;
      const look = (): void => {
        requests++;
        if (requests === meddling) people.act(random() < 0.5 ? a : root);
        if (requests === fatal) child.kill("SIGKILL");
      };
      // before the server looks at its files: what happens behind its back is not its matter
      server.server.prependListener("request", look);
      const { code, err } = await ended;
      await idle();
      server.server.off("request", look);
      t.equal(err, "");
      if (code === null) kills++;
    }
    t.ok(kills >= 2, `${kills} kills`);
    let last = await run(a, url, "--emptied");
    for (let round = 0; round < 3 && last.out !== ""; round++) last = await run(a, url, "--emptied");
    t.equal(last.out, "", "it comes to an end");
    t.equal(last.code, 0);
    const tree = treeOf(a);
    t.strictSame(treeOf(root), tree, "both sides are alike");
    const contents = new Set(Object.values(tree));
    for (const version of people.alive) t.ok(contents.has(version), version);
    t.strictSame(fs.readdirSync(path.join(a, OWN)), ["state.json"], "nothing else is left");
  });
}
