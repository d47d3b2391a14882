// The reference as a reader opens it: every module says what it is for, every link leads somewhere,
// and a browser finds the functions.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { findProgram } from "../fixtures/real/launch.js";
import { ROOT, filesBelow } from "../fixtures/sources.js";

const run = promisify(execFile);

/** A page of the reference, by its path in it. */
interface Page {
  links: string[];
  anchors: Set<string>;
  text: string;
}

function readPage(file: string): Page {
  const text = readFileSync(file, "utf8");
  const links = [...text.matchAll(/<a\b[^>]*\bhref="([^"]*)"/g)].map(([, link = ""]) => link);
  const anchors = new Set([...text.matchAll(/\bid="([^"]*)"/g)].map(([, id = ""]) => id));
  return { links, anchors, text };
}

t.test("the reference", { timeout: 300_000 }, async (t) => {
  const folder = t.testdir();
  const typedoc = path.join(ROOT, "node_modules/typedoc/bin/typedoc");
  await run(process.execPath, [typedoc, "--out", folder], { cwd: ROOT });
  const pages = new Map<string, Page>();
  const pageOf = (file: string): Page | null => {
    if (!pages.has(file) && existsSync(file)) pages.set(file, readPage(file));
    return pages.get(file) ?? null;
  };

  await t.test("every link leads somewhere", async (t) => {
    const faulty = new Set<string>();
    let followed = 0;
    const toSee = [path.join(folder, "index.html")];
    const seen = new Set(toSee);
    for (let file = toSee.pop(); file !== undefined; file = toSee.pop()) {
      for (const link of pageOf(file)?.links ?? []) {
        if (/^[a-z]+:/.test(link) || link === "#") continue;
        followed++;
        const [name = "", anchor = ""] = link.split("#");
        const target = name === "" ? file : path.join(path.dirname(file), decodeURI(name));
        const page = pageOf(target);
        const wanted = decodeURIComponent(anchor);
        if (page === null) faulty.add(`${path.relative(folder, file)}: ${link}`);
        else if (target.endsWith(".html") && wanted !== "" && !page.anchors.has(wanted)) {
          faulty.add(`${path.relative(folder, file)}: ${link}`);
        }
        if (target.endsWith(".html") && !seen.has(target)) {
          seen.add(target);
          toSee.push(target);
        }
      }
    }
    t.strictSame([...faulty], []);
    t.ok(followed > 1000, `${followed} links`);
  });

  await t.test("every module opens with its job", async (t) => {
    for (const file of filesBelow("lib", ".ts").filter((name) => /^n[ex]_\w+\.ts$/.test(name))) {
      const name = file.replace(".ts", "");
      const page = pageOf(path.join(folder, `modules/${name}.html`));
      const [, job = ""] = /tsd-panel tsd-comment">\s*(?:<[^>]*>\s*)*([^<]+)/.exec(page?.text ?? "") ?? [];
      t.match(job, /\w{3}/, name);
    }
  });

  const browser = findProgram("chromium", "chromium-browser", "google-chrome");
  const skip = browser === null ? "no browser is installed" : false;
  await t.test("a browser shows the functions of a module", { skip }, async (t) => {
    const page = `file://${path.join(folder, "modules/ne_session.html")}`;
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"];
    const own = [`--user-data-dir=${t.testdir()}`];
    const { stdout } = await run(browser ?? "", [...flags, ...own, "--dump-dom", page], {
      maxBuffer: 1 << 26,
    });
    // the navigation is made by a script
    t.match(stdout, /<nav[^]*ne_request[^]*<\/nav>/);
    t.match(stdout, /ne_session_create/);
  });
});
