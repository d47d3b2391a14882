// What is well-formed and what is not, in every feed; and documents made to be slow or large.
import t from "tap";
import { MAX_DEFAULTS } from "../../../lib/internal/xml/start_tags.js";
import { MAX_DEPTH, MORE, Tokenizer } from "../../../lib/internal/xml/tokenizer.js";
import type { Listener } from "../../../lib/internal/xml/tokenizer.js";
import { events, sameError, sameEvents } from "../../fixtures/xml.js";

const NWF = "line 1: not well-formed (invalid token)";

const wellFormed: readonly (readonly [string, string, readonly string[]])[] = [
  ["an empty element", "<a/>", ["<a>", "</a>"]],
  ["blanks inside tags", "<a  b = 'c' \n ></a \t>", ["<a b=c>", "</a>"]],
  ["both quotes", `<a b='"' c="'"/>`, [`<a b=" c='>`, "</a>"]],
  ["text in several pieces", "<a>x&amp;y<!-- z -->w</a>", ["<a>", "x&yw", "</a>"]],
  ["the five entities", "<a>&lt;&gt;&amp;&apos;&quot;</a>", ["<a>", `<>&'"`, "</a>"]],
  ["numbers", "<a>&#65;&#x42;&#x1F600;&#0000000000067;</a>", ["<a>", "AB\u{1f600}C", "</a>"]],
  ["references in attributes", "<a b='&lt;&#9;&#xA;x'/>", ["<a b=<\t\nx>", "</a>"]],
  ["white space in attributes", "<a b='1\n2\t3\r\n4'/>", ["<a b=1 2 3 4>", "</a>"]],
  ["line ends", "<a>1\r\n2\r3\n\r4</a>", ["<a>", "1\n2\n3\n\n4", "</a>"]],
  ["a CR by reference stays", "<a>&#13;\n</a>", ["<a>", "\r\n", "</a>"]],
  ["CDATA", "<a><![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>", ["<a>", "<b>&amp;]]>", "</a>"]],
  ["an empty CDATA section", "<a><![CDATA[]]></a>", ["<a>", "</a>"]],
  ["brackets in text", "<a>]] ]> ]]]</a>", ["<a>", "]] ]> ]]]", "</a>"]],
  ["comments and instructions", "<?p?><!----><a><?p  ?d??><!-- - --></a><!-- -->", ["<a>", "</a>"]],
  ["a name of other letters", "<é.1-ü/>", ["<é.1-ü>", "</é.1-ü>"]],
  ["letters beyond the BMP", "<\u{20000}>\u{20001}</\u{20000}>", [
    "<\u{20000}>", "\u{20001}", "</\u{20000}>",
  ]],
  ["names of the fifth edition", "<\u0370\u{10000}/>", ["<\u0370\u{10000}>", "</\u0370\u{10000}>"]],
  ["names of Object's", "<__proto__ constructor='1'><toString/></__proto__>", [
    "<__proto__ constructor=1>", "<toString>", "</toString>", "</__proto__>",
  ]],
  ["a tag like the one before, and longer", "<r><ab/><ab/><abc/><ab/></r>", [
    "<r>", "<ab>", "</ab>", "<ab>", "</ab>", "<abc>", "</abc>", "<ab>", "</ab>", "</r>",
  ]],
  ["attributes like those before", "<r><a b='1'/><a b='1'/><a b='2'/><a b='1' c=''/></r>", [
    "<r>", "<a b=1>", "</a>", "<a b=1>", "</a>", "<a b=2>", "</a>", "<a b=1 c=>", "</a>", "</r>",
  ]],
  ["`>` in an attribute", "<a b='>'>></a>", ["<a b=>>", ">", "</a>"]],
  ["nine attributes", "<a a='' b='' c='' d='' e='' f='' g='' h='' i=''/>", [
    "<a a= b= c= d= e= f= g= h= i=>", "</a>",
  ]],
];

t.test("reads what is well-formed", async (t) => {
  for (const [name, document, wanted] of wellFormed) sameEvents(t, document, wanted, name);
});

t.test("brackets are told before the document breaks off", async (t) => {
  const cut = Buffer.from("<a>x]\xff", "latin1");
  sameEvents(t, cut, ["<a>", "x]", NWF], "at a bad character");
  for (const end of ["]", "]]"]) {
    sameEvents(t, `<a>x${end}`, ["<a>", `x${end}`, "line 1: no element found"], end);
  }
});

const malformed: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "line 1: no element found"],
  ["blanks only", "\n \n", "line 3: no element found"],
  ["only a declaration", "<?xml version='1.0'?>", "line 1: no element found"],
  ["an open element", "<a>\n<b/>\n", "line 3: no element found"],
  ["open with a bracket last", "<a>]", "line 1: no element found"],
  ["an open start tag", "<a>\n\n<b\n", "line 3: unclosed token"],
  ["an open attribute", "<a b='\n\n", "line 1: unclosed token"],
  ["a wrong reference in an open attribute", "<a b='x&1", NWF],
  ["a reference without a name in an open attribute", "<a\nb='\n&;",
    "line 3: not well-formed (invalid token)"],
  ["a reference in an open attribute", "<a b='x&am", "line 1: unclosed token"],
  ["a literal", '"hello"', "line 1: syntax error"],
  ["a literal and a word", '"hello" x', "line 1: syntax error"],
  ["a literal with something behind it", '"hello"x', NWF],
  ["an open literal", '"hello\nyou', "line 1: unclosed token"],
  ["an open literal at the end", "<a/>\n'x", "line 2: unclosed token"],
  ["`#` alone", "#", "line 1: unclosed token"],
  ["`%` alone", "%", "line 1: unclosed token"],
  ["an open end tag", "<a></a", "line 1: unclosed token"],
  ["an open reference", "<a>&am", "line 1: unclosed token"],
  ["an open number", "<a>&#6", "line 1: unclosed token"],
  ["an open comment", "<a>\n<!-- \n", "line 2: unclosed token"],
  ["an open instruction", "<a>\n<?p \n", "line 2: unclosed token"],
  ["an open target", "<a><?p", "line 1: unclosed token"],
  ["half an instruction's end", "<a><?p?", "line 1: unclosed token"],
  ["an open CDATA section", "<a>\n<![CDATA[\n]]", "line 3: unclosed CDATA section"],
  ["`<` alone", "<a><", "line 1: unclosed token"],
  ["`<!` alone", "<a><!", "line 1: unclosed token"],
  ["half of `<![CDATA[`", "<a><![CDA", "line 1: unclosed token"],
  ["the wrong end tag", "<a>\n<b></a>", "line 2: mismatched tag"],
  ["an end tag that begins like the right one", "<a></ab>", "line 1: mismatched tag"],
  ["an end tag with more to it", "<a></a b='1'>", NWF],
  ["an end tag without name", "<a></>", NWF],
  ["a blank before the name", "< a/>", NWF],
  ["a digit first", "<1a/>", NWF],
  ["no blank between attributes", "<a b='1'c='2'/>", NWF],
  ["no value", "<a b/>", NWF],
  ["no quotes", "<a b=1/>", NWF],
  ["`<` in a value", "<a b='<'/>", NWF],
  ["a bare `&` in a value", "<a b='& '/>", NWF],
  ["a double attribute", "<a b='1'\nc='2'\nb='3'/>", "line 3: duplicate attribute"],
  ["a double before its value", "<a b='1'\nb='&x;'/>", "line 2: duplicate attribute"],
  ["one of ten twice", "<a a='' b='' c='' d='' e='' f='' g='' h='' i='' a=''/>",
    "line 1: duplicate attribute"],
  ["syntax before doubles", "<a b='' b='' c=1/>", NWF],
  ["`]]>` in text", "<a>x]]></a>", NWF],
  ["`]]>` in long text", `<a>${"x".repeat(100)}]]></a>`, NWF],
  ["two hyphens in a comment", "<a><!-- -- --></a>", NWF],
  ["three hyphens at its end", "<a><!-- ---></a>", NWF],
  ["a bare `&`", "<a>& </a>", NWF],
  ["an entity without `;`", "<a>&amp </a>", NWF],
  ["no number", "<a>&#;</a>", NWF],
  ["a decimal of letters", "<a>&#a;</a>", NWF],
  ["an upper-case X", "<a>&#X41;</a>", NWF],
  ["number 0", "<a>&#0;</a>", "line 1: reference to invalid character number"],
  ["a number too large", "<a>&#x110000;</a>", "line 1: reference to invalid character number"],
  ["a far too large one", `<a>&#${"9".repeat(400)};</a>`,
    "line 1: reference to invalid character number"],
  ["half a surrogate pair", "<a>&#xD800;</a>", "line 1: reference to invalid character number"],
  ["U+FFFE by number", "<a>&#xFFFE;</a>", "line 1: reference to invalid character number"],
  ["a control by number in a value", "<a\nb='&#1;'/>",
    "line 2: reference to invalid character number"],
  ["an undeclared entity", "<a>\n&foo;</a>", "line 2: undefined entity"],
  ["an undeclared entity in a value", "<a>\n<b c='\n&foo;'/></a>", "line 2: undefined entity"],
  ["an entity of JavaScript's", "<a>&constructor;</a>", "line 1: undefined entity"],
  ["a control character", "<a>\n\u0001</a>", "line 2: not well-formed (invalid token)"],
  ["a control character in a tag", "<a\n\u0001>", "line 2: not well-formed (invalid token)"],
  ["U+FFFF", "<a>\uffff</a>", NWF],
  ["text in front", "Not found", "line 1: syntax error"],
  ["JSON", '{"a":1}', NWF],
  ["a word and a sign", "x=1", NWF],
  ["a word alone", "x", "line 1: syntax error"],
  ["text behind", "<a/>\nx", "line 2: junk after document element"],
  ["an element behind", "<a/><b/>", "line 1: junk after document element"],
  ["a reference in front", "&lt;<a/>", NWF],
  ["an end tag in front", "</a>", NWF],
  ["CDATA in front", "<![CDATA[x]]><a/>", "line 1: syntax error"],
  ["a late declaration", "\n<?xml version='1.0'?><a/>",
    "line 2: XML or text declaration not at start of entity"],
  ["a declaration inside", "<a><?xml version='1.0'?></a>",
    "line 1: XML or text declaration not at start of entity"],
  ["a target of XML", "<a><?XmL ?></a>", NWF],
  ["no blank behind a target", "<a><?p+?></a>", NWF],
  ["no target", "<a><? ?></a>", NWF],
  ["a document type inside", "<a><!DOCTYPE a></a>", NWF],
];

t.test("malformed: refuses what is not, and says where and why", async (t) => {
  for (const [name, document, wanted] of malformed) sameError(t, document, wanted, name);
});

t.test("tells the events in front of the fault", async (t) => {
  sameEvents(t, "<a>x<b/>y\u0000", ["<a>", "x", "<b>", "</b>", "y", NWF], "a NUL");
});

// Counts events and the length of texts, and can be fed without bytes.
class Counter implements Listener {
  elements = 0;
  chars = 0;
  atts = 0;
  startElement(_name: unknown, atts: readonly string[]): number {
    this.elements++;
    this.atts += atts.length / 2;
    return 0;
  }
  characters(text: string): number {
    this.chars += text.length;
    return 0;
  }
  endElement(): number {
    return 0;
  }
}

const MANY = 1_000_000;

// A million pieces of one character between a beginning and an end.
function trickle(begin: string, piece: string, end: string): { counter: Counter; fault: string } {
  const counter = new Counter();
  const tokenizer = new Tokenizer(counter);
  const feed = (text: string): number => {
    tokenizer.feed(text, 0);
    return tokenizer.read();
  };
  let result = feed(begin);
  for (let i = 0; i < MANY && result === MORE; i++) result = feed(piece);
  for (const char of end) if (result === MORE) result = feed(char);
  if (result === MORE) result = tokenizer.finish(null);
  return { counter, fault: tokenizer.fault };
}

t.test("hostile: one token in a million pieces takes time in proportion", async (t) => {
  const text = trickle("<a>", "x", "</a>");
  t.same([text.fault, text.counter.chars], ["", MANY], "text");
  const section = trickle("<a><![CDATA[", "]", "x]]></a>");
  t.same([section.fault, section.counter.chars], ["", MANY + 1], "brackets in CDATA");
  t.equal(trickle("<a><!--", " ", "--></a>").fault, "", "comment");
  t.equal(trickle("<a><?p ", "?", "?></a>").fault, "", "instruction");
  const value = trickle("<a b='", "x", "'/>");
  t.same([value.fault, value.counter.atts], ["", 1], "attribute value");
  t.equal(trickle("<a b='1'", " ", "/>").fault, "", "blanks in a tag");
  t.equal(trickle("<a", "a", "/>").fault, "", "name");
  t.equal(trickle("<a>&#", "0", "65;</a>").counter.chars, 1, "zeros of a number");
  t.equal(trickle("<a>&", "a", ";</a>").fault, "undefined entity", "entity name");
  t.equal(trickle("<a><?", "p", "?></a>").fault, "", "target");
  t.equal(trickle("<!DOCTYPE a [<!--", "x", "-->]><a/>").fault, "", "comment in a document type");
  t.equal(trickle("", "x", " ").fault, "syntax error", "a word in front");
});

t.test("hostile: a million of everything", async (t) => {
  const counted = (document: string): Counter => {
    const counter = new Counter();
    const tokenizer = new Tokenizer(counter);
    tokenizer.feed(document, 0);
    t.equal(tokenizer.read(), MORE, tokenizer.fault);
    t.equal(tokenizer.finish(null), MORE, tokenizer.fault);
    return counter;
  };
  let atts = "";
  for (let i = 0; i < MANY; i++) atts += ` a${i}=""`;
  t.equal(counted(`<a${atts}/>`).atts, MANY, "attributes");
  t.equal(counted(`<a>${"<b/>".repeat(MANY)}</a>`).elements, MANY + 1, "empty elements");
  t.equal(counted(`<a>${"&#65;".repeat(MANY)}</a>`).chars, MANY, "references");
  t.equal(counted(`<a>${"]]".repeat(MANY)}</a>`).chars, 2 * MANY, "brackets");
  let names = "";
  for (let i = 0; i < MANY; i++) names += `<n${i}/>`;
  t.equal(counted(`<a>${names}</a>`).elements, MANY + 1, "names");
});

t.test("hostile: elements nested a million deep are refused, not fatal", async (t) => {
  const found = events([Buffer.from("<a>".repeat(MANY))]);
  t.equal(found.length, MAX_DEPTH + 1);
  t.equal(found.at(-1), "line 1: elements nested too deeply");
  const deepest = events([Buffer.from("<a>".repeat(MAX_DEPTH) + "</a>".repeat(MAX_DEPTH))]);
  t.equal(deepest.length, 2 * MAX_DEPTH, "as deep as allowed");
});

t.test("hostile: default attributes are no amplifier", async (t) => {
  let rules = "";
  for (let i = 0; i < 1000; i++) rules += ` a${i} CDATA ''`;
  const document = `<!DOCTYPE a [<!ATTLIST b${rules}>]><a>${"<b/>".repeat(5000)}</a>`;
  const counter = new Counter();
  const tokenizer = new Tokenizer(counter);
  tokenizer.feed(document, 0);
  tokenizer.read();
  t.equal(tokenizer.fault, "too many default attributes");
  t.ok(counter.atts <= MAX_DEFAULTS);
});
