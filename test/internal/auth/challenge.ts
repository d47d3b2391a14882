// The challenge parser: each row was seen in neon, except for blanks around "=" and backslashes.
import t from "tap";
import { parseChallenges, parseParams, quote } from "../../../lib/internal/auth/challenge.js";

const takesToken = (name: string): boolean => /^(negotiate|ntlm)$/i.test(name);

/** One line for each challenge: name, token, parameters. */
function show(field: string): string[] {
  return parseChallenges(field, takesToken).map(({ scheme, token, params }) =>
    [
      scheme,
      ...(token === null ? [] : [`(${token})`]),
      ...[...params].map(([k, v]) => `${k}=<${v}>`),
    ].join(" "),
  );
}

t.test("splits fields into challenges", async (t) => {
  const rows: [string, string[], string][] = [
    ['Basic realm="r"', ["Basic realm=<r>"], "the usual"],
    ["Basic", ["Basic"], "a name alone"],
    ["Basic ", ["Basic"], "and with a blank"],
    ["A,B", ["A", "B"], "names"],
    ["A B C", ["A", "B", "C"], "names without commas"],
    ["A x=y,B", ["A x=<y>", "B"], "a parameter, then a name"],
    ["A x=y  ,  B", ["A x=<y>", "B"], "blanks around the comma"],
    ["A,B=c", ["A b=<c>"], "a parameter after a comma belongs to the scheme before"],
    [
      'Basic realm="a", Digest realm="b", nonce=c',
      ["Basic realm=<a>", "Digest realm=<b> nonce=<c>"],
      "two",
    ],
    ["A x=y B", ["A x=<y B>"], "a value without quotes runs to the comma"],
    ['A x="y" B', ["A x=<y>"], "what follows a quoted value up to the comma is lost"],
    ['A x="y"B, C', ["A x=<y>", "C"], "also without a blank"],
    ["A,,B", ["A", ",B"], "an empty element sticks to the next name"],
    [", ,Basic realm=r", [",", ",Basic realm=<r>"], "also at the start"],
    ["A x=y,,realm=b", ["A x=<y> ,realm=<b>"], "and to a parameter"],
    ["Basic\trealm=r", [], "a tab ends no name, so this is a parameter of nothing"],
    ["A\tB", ["A\tB"], "a name with a tab"],
    ["A=b", [], "a parameter of nothing"],
    ["=", [], "nothing at all"],
    ["=, A", [], "a parameter without a name ends it all"],
    ["A x=y, =z, B", ["A x=<y>"], "later too"],
    ["A =b, C", ["A"], "and at once: a blank ends a first name, whatever follows"],
    ["", [], "an empty field"],
    ["A B=c, D=e", ["A b=<c> d=<e>"], "names of parameters in lower case"],
    ["bASIC ReAlM=r", ["bASIC realm=<r>"], "case of names is the caller's matter"],
  ];
  for (const [field, expected, name] of rows) t.strictSame(show(field), expected, name);
});

t.test("reads values", async (t) => {
  const rows: [string, string, string][] = [
    ['x="a, b=c"', "a, b=c", "a comma inside quotes"],
    ["x='r s'", "r s", "single quotes are quotes"],
    ["x='a, b'", "a", "but do not hold a comma"],
    ["x='a\"b' c", "a\"b' c", "a double quote inside"],
    ["x=a'b'", "a'b", "a trailing quote goes"],
    ['x="a', "a", "never closed"],
    ['x=a"b, c"d', 'a"b, c', "quoted in the middle, it ends with the quote"],
    ['x="" y', "", "empty"],
    ["x=", "", "nothing"],
    ["x=,y", "", "nothing before a comma"],
    ["x=a;b", "a;b", "a semicolon is no separator"],
    ["x=a=b", "a=b", "an equals sign"],
    ["x=a, x=b", "b", "the last of duplicates wins"],
    ["qop=a, qop=b, x=c", "c", "others beside"],
    ['x = "a"', "a", "blanks around the equals sign (RFC 9110: bad whitespace)"],
    ["x\t=\ta", "a", "tabs too"],
    ["x=a \t", "a", "blanks at the end"],
    ['x="a\\"b"', 'a"b', "an escaped quote"],
    ['x="a\\\\b\\c"', "a\\bc", "escapes undone"],
    ['x="a\\', "a\\", "a backslash at the end stands for itself"],
    ["x=\xe9\x01", "\xe9\x01", "bytes as they are"],
  ];
  for (const [text, value, name] of rows) {
    t.equal(parseChallenges(`A ${text}`, takesToken)[0]?.params.get("x"), value, name);
    if (text.includes("'")) continue;
    t.equal(parseParams(text).get("x"), value, `${name} (parameters alone)`);
  }
});

t.test("several qop add up, as neon notes each one it knows", async (t) => {
  t.strictSame(show('Digest qop="auth", qop="foo"'), ["Digest qop=<auth,foo>"]);
});

t.test("takes bare tokens for the schemes that have them", async (t) => {
  const rows: [string, string[]][] = [
    ["Negotiate", ["Negotiate"]],
    ["Negotiate abc==", ["Negotiate (abc==)"]],
    ["Negotiate abc==, Basic realm=r", ["Negotiate (abc==)", "Basic realm=<r>"]],
    ["negotiate a/b+c=,B", ["negotiate (a/b+c=)", "B"]],
    ["NTLM, Basic realm=r", ["NTLM", "Basic realm=<r>"]],
    ["NTLM ,Basic realm=r", ["NTLM", "Basic realm=<r>"]],
    ["NTLM  a , B", ["NTLM (a)", "B"]],
    ["NTLM a b", ["NTLM (a)", "b"]],
    ["NTLM x=y", ["NTLM x=<y>"]],
    ["Basic abc==, B", ["Basic abc=<=>", "B"]],
  ];
  for (const [field, expected] of rows) t.strictSame(show(field), expected, field);
});

t.test("parameters alone", async (t) => {
  const list = (field: string): string => [...parseParams(field)].join(" ");
  t.equal(list("qop=a, NC=1, qop=b"), "qop,b nc,1", "the last counts, qop too");
  t.equal(list("qop=a, b c=1, , d=2, e=3"), "qop,a b c,1 , d,2 e,3", "all before = is the name");
  t.equal(list("qop=a, =y, nc=1"), "qop,a", "one without a name ends the list");
  t.equal(list("qop=a, foo"), "qop,a", "and one that is only a name");
  t.strictSame([...parseParams("")], []);
  t.equal(parseParams("x='a'").get("x"), "'a'", "only a challenge knows single quotes");
});

t.test("quotes so that the value comes back, and nothing ends the line", async (t) => {
  for (const value of ["", "a", 'a"b', "a\\b", '\\"', "é"]) {
    t.equal(parseParams(`x=${quote(value)}`).get("x"), value);
  }
  t.equal(quote("a\r\nX: y\0"), '"aX: y"');
});

t.test("malformed: never throws, never hangs, time in proportion to the length", async (t) => {
  let seed = 20250607;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const words = [
    "Basic",
    "Digest",
    "NTLM",
    "Negotiate",
    "realm",
    "nonce",
    "qop",
    "stale",
    "domain",
    "=",
    ",",
    " ",
    "\t",
    '"',
    "'",
    "\\",
    "true",
    "auth",
    "auth-int",
    "\xff",
    "\x00",
    "TlRMTVNTUAAC",
    "==",
  ];
  for (let round = 0; round < 5000; round++) {
    let field = "";
    for (let i = next(40); i > 0; i--) field += words[next(words.length)];
    const challenges = parseChallenges(field, takesToken);
    const named = challenges.reduce((sum, { scheme }) => sum + scheme.length, 0);
    if (named > field.length) t.fail(`made up text from ${JSON.stringify(field)}`);
    parseParams(field);
  }
  for (const unit of ['a="', '"\\', ",", "a ", "a=b,", "NTLM ", "NTLM ,", 'a=b"c"', "a=", "\t"]) {
    const field = unit.repeat(400_000);
    t.ok(parseChallenges(field, takesToken).length <= field.length, JSON.stringify(unit));
    parseParams(field);
  }
});
