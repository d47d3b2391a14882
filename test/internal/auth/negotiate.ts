// Negotiate: the legs of an exchange on its connection, servers that authenticate connections and
// servers that authenticate requests, and the server's own proof.
import t from "tap";
import { parseChallenges } from "../../../lib/internal/auth/challenge.js";
import { NEGOTIATE } from "../../../lib/internal/auth/negotiate.js";
import type {
  Answer,
  Circumstances,
  Login,
  Question,
  Signature,
} from "../../../lib/internal/auth/scheme.js";
import { AT, settle } from "../../fixtures/asking.js";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** An application that makes "t1", "t2" ... and notes what it was asked. */
function application(refuse: (theirs: string) => boolean = () => false) {
  const asked: string[] = [];
  const exchanges: object[] = [];
  const answer = (question: Question): Answer => {
    if (question.want !== "token") throw new Error(question.want);
    const theirs = question.challenge.toString();
    asked.push(theirs);
    exchanges.push(question.exchange);
    return refuse(theirs) ? null : Buffer.from(`t${asked.length}`);
  };
  return { asked, exchanges, answer };
}

type Application = ReturnType<typeof application>;

function challenge(app: Application, field: string, at: Partial<Circumstances>): Login | string {
  const [first] = parseChallenges(field, () => true);
  if (first === undefined) throw new Error("no challenge");
  return settle(NEGOTIATE.challenge(first, { ...AT, ...at }), app.answer);
}

function begin(app: Application, connection: object | null = null): Login {
  const login = challenge(app, "Negotiate", { connection });
  if (typeof login === "string") throw new Error(login);
  return login;
}

function sign(app: Application, login: Login, connection: object | null): Signature | null {
  return settle(login.sign({ method: "GET", target: "/", connection }), app.answer);
}

function finish(
  app: Application,
  login: Login,
  connection: object | null,
  signature: Signature | null,
  field: string | null,
): string | null | undefined {
  const out = { method: "GET", target: "/", connection };
  return login.finish && settle(login.finish(out, signature, field), app.answer);
}

t.test("one token is enough for a connection", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app);
  t.strictSame(app.asked, [""]);
  t.equal(login.bound, true);
  const signature = sign(app, login, connection);
  t.equal(signature?.value, `Negotiate ${base64("t1")}`);
  t.equal(sign(app, login, connection), null, "nothing more while the answer is awaited");
  t.equal(finish(app, login, connection, signature, null), null);
  t.equal(sign(app, login, connection), null, "nor after it");
  t.equal(sign(app, login, {})?.value, `Negotiate ${base64("t2")}`, "another connection");
});

t.test("legs go on within their exchange", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app, connection);
  const first = sign(app, login, connection);
  const at = { connection, old: login, signature: first };
  t.equal(challenge(app, `Negotiate ${base64("more")}`, at), login);
  const second = sign(app, login, connection);
  t.equal(second?.value, `Negotiate ${base64("t2")}`);
  t.strictSame(app.asked, ["", "more"]);
  t.equal(app.exchanges[1], app.exchanges[0]);
  t.equal(second?.exchange, first?.exchange);
});

t.test("a server that answers a token with none has refused it", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app, connection);
  const signature = sign(app, login, connection);
  const at = { connection, old: login, signature };
  t.equal(challenge(app, "Negotiate", at), "ignoring empty Negotiate continuation");
});

t.test("a server that asks again for every request gets a token with each", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app, connection);
  const first = sign(app, login, connection);
  finish(app, login, connection, first, null);
  t.equal(challenge(app, "Negotiate", { connection, old: login, signature: null }), login);
  const second = sign(app, login, connection);
  t.ok(second);
  finish(app, login, connection, second, null);
  t.ok(sign(app, login, connection), "unasked from now on");
});

t.test("three times a server may want it from the start", async (t) => {
  for (const connection of [null, {}]) {
    const app = application();
    const login = begin(app, connection);
    const answers = [1, 2, 3, 4].map(() => challenge(app, "Negotiate", { old: login, connection }));
    t.strictSame(answers.slice(0, 3), [login, login, login]);
    t.equal(answers[3], "rejected Negotiate challenge");
  }
});

t.test("and three times again once it was accepted", async (t) => {
  const app = application();
  const login = begin(app);
  const again = (): Login | string => challenge(app, "Negotiate", { old: login, connection: null });
  for (let i = 0; i < 3; i++) again();
  t.equal(finish(app, login, null, null, null), null);
  t.strictSame([again(), again(), again()], [login, login, login]);
  t.equal(again(), "rejected Negotiate challenge");
});

t.test("refusals", async (t) => {
  t.equal(challenge(application(() => true), "Negotiate", {}), "rejected Negotiate challenge");
  t.equal(challenge(application(), "Negotiate abc", {}), "could not parse Negotiate challenge");
  let calls = 0;
  const app = application(() => calls++ > 0);
  const login = begin(app);
  sign(app, login, {});
  t.equal(sign(app, login, {}), null, "no token for the second connection: it goes without");
});

t.test("the server's own proof is judged by who made the token", async (t) => {
  const proof = `Negotiate ${base64("proof")}`;
  const app = application((theirs) => theirs === "forged");
  const connection = {};
  const login = begin(app, connection);
  const signature = sign(app, login, connection);
  t.equal(finish(app, login, connection, signature, proof), null);
  t.strictSame(app.asked, ["", "proof"]);
  t.equal(app.exchanges[1], app.exchanges[0]);
  const failure = "Negotiate response verification failure";
  const forged = `Negotiate ${base64("forged")}`;
  t.equal(finish(app, login, connection, signature, forged), failure);
  t.equal(finish(app, login, connection, signature, "Negotiate abc"), failure, "no base64");
  t.equal(finish(app, login, connection, signature, "Basic realm=x"), null, "no proof at all");
  t.equal(finish(app, login, connection, null, proof), null, "for nothing that was sent");
});

t.test("a challenge that begins again replaces the answer that was not sent", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app, connection);
  const first = sign(app, login, connection);
  t.equal(challenge(app, `Negotiate ${base64("more")}`, { connection, old: login, signature: first }), login);
  t.equal(challenge(app, "Negotiate", { connection, old: login, signature: first }), login);
  const second = sign(app, login, connection);
  t.equal(second?.value, `Negotiate ${base64("t3")}`);
  t.not(second?.exchange, first?.exchange, "an exchange of its own");
  t.strictSame(app.asked, ["", "more", ""]);
});

t.test("a token without a connection begins an exchange", async (t) => {
  const app = application();
  const login = begin(app);
  const first = sign(app, login, null);
  t.equal(first?.check, null);
  const at = { connection: null, old: login, signature: first };
  t.equal(challenge(app, `Negotiate ${base64("more")}`, at), login);
  const second = sign(app, login, null);
  t.equal(second?.value, `Negotiate ${base64("t2")}`, "it is sent first");
  t.not(second?.exchange, first?.exchange);
  t.equal(sign(app, login, null)?.value, `Negotiate ${base64("t3")}`, "once");
});

t.test("a leg with nothing signed before has an exchange of its own", async (t) => {
  const app = application();
  const connection = {};
  const login = challenge(app, `Negotiate ${base64("more")}`, { connection });
  if (typeof login === "string") return t.fail(login);
  t.strictSame(app.asked, ["more"]);
  const signature = sign(app, login, connection);
  t.equal(signature?.value, `Negotiate ${base64("t1")}`);
  t.equal(signature?.exchange, app.exchanges[0]);
  t.equal(login.applies({ method: "GET", target: "*", connection }), true);
});

t.test("a login of another scheme is no beginning", async (t) => {
  const app = application();
  const login = begin(app);
  const other = { ...login, scheme: { ...NEGOTIATE } };
  for (let i = 0; i < 5; i++) {
    t.not(challenge(app, "Negotiate", { old: other, connection: null }), other);
  }
});

t.test("tokens for the legs of an exchange are not restarts", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app, connection);
  for (let i = 0; i < 6; i++) {
    const signature = sign(app, login, connection);
    t.equal(challenge(app, `Negotiate ${base64("more")}`, { connection, old: login, signature }), login);
  }
});

t.test("an accepted connection that is asked with a token gets one with every request", async (t) => {
  const app = application();
  const connection = {};
  const login = begin(app, connection);
  const first = sign(app, login, connection);
  t.equal(finish(app, login, connection, first, "Negotiate"), null, "no token is no proof");
  const at = { connection, old: login, signature: null };
  t.equal(challenge(app, `Negotiate ${base64("more")}`, at), login);
  const second = sign(app, login, connection);
  t.equal(second?.value, `Negotiate ${base64("t2")}`);
  finish(app, login, connection, second, null);
  t.equal(sign(app, login, connection)?.value, `Negotiate ${base64("t3")}`);
});

t.test("an answer that is no bytes is a refusal", async (t) => {
  const [first] = parseChallenges("Negotiate", () => true);
  if (first === undefined) return;
  const result = settle(NEGOTIATE.challenge(first, AT), () => "text");
  t.equal(result, "rejected Negotiate challenge");
});

t.test("the first token goes over whatever connection is the next", async (t) => {
  const app = application();
  const login = begin(app, {});
  t.equal(sign(app, login, {})?.value, `Negotiate ${base64("t1")}`, "the other one was closed");
  t.strictSame(app.asked, [""], "nobody is asked twice");
});
