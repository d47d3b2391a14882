// The document type declaration: checked, never obeyed where it speaks of entities.
import t from "tap";
import { sameError, sameEvents } from "../../fixtures/xml.js";

const readable: readonly (readonly [string, string, readonly string[]])[] = [
  ["a name", "<!DOCTYPE a><a/>", ["<a>", "</a>"]],
  ["outside, never fetched", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x'><a/>", ["<a>", "</a>"]],
  ["public", `<!DOCTYPE a PUBLIC "-//X//Y" "x" ><a/>`, ["<a>", "</a>"]],
  ["an empty subset", "<!DOCTYPE a [ ] ><a/>", ["<a>", "</a>"]],
  ["everything but entities", `<!DOCTYPE a [
    <!ELEMENT a (b?,(c|d)*,(e,f)+)> <!ELEMENT b EMPTY> <!ELEMENT c ANY>
    <!ELEMENT d (#PCDATA)> <!ELEMENT e (#PCDATA|b|c)*>
    <!NOTATION n SYSTEM "x"><!NOTATION m PUBLIC "y">
    <!-- ']>" --><?p ']> ?>
    <!ATTLIST a b (x|y) 'x' c NOTATION (n|m) #IMPLIED d ID #REQUIRED>
  ]><a/>`, ["<a b=x>", "</a>"]],
  ["default attributes behind those written",
    "<!DOCTYPE a [<!ATTLIST a b CDATA '1' c CDATA '2'>]><a d='3' b='4'/>",
    ["<a d=3 b=4 c=2>", "</a>"]],
  ["the first declaration counts", "<!DOCTYPE a [<!ATTLIST a b CDATA '1'>" +
    "<!ATTLIST a b CDATA '2' c CDATA #FIXED '3'>]><a/>", ["<a b=1 c=3>", "</a>"]],
  ["blanks of tokens", "<!DOCTYPE a [<!ATTLIST a b NMTOKENS '  x\n y ' c CDATA ' z  z '>]>" +
    "<a><a b='  1  2 ' c='  1  '/></a>",
    ["<a b=x y c= z  z >", "<a b=1 2 c=  1  >", "</a>", "</a>"]],
  ["references in a default", "<!DOCTYPE a [<!ATTLIST a b CDATA '&lt;&#65;&amp;'>]><a/>", [
    "<a b=<A&>", "</a>",
  ]],
  ["a namespace by default", "<!DOCTYPE a [<!ATTLIST a xmlns CDATA 'u'>]><a/>", [
    "<{u}a xmlns=u>", "</a>",
  ]],
  ["predefined entities declared again", `<!DOCTYPE a [<!ENTITY lt "&#38;#60;">]><a>&lt;</a>`, [
    "<a>", "<", "</a>",
  ]],
  ["undeclared, perhaps outside", "<!DOCTYPE a SYSTEM 'x'><a b='&c;'>&d;</a>", ["<a b=>", "</a>"]],
  ["undeclared, perhaps in a parameter entity", "<!DOCTYPE a [%p;]><a>x&b;y</a>", [
    "<a>", "xy", "</a>",
  ]],
  ["declarations behind it do not count", "<!DOCTYPE a [%p;<!ATTLIST a b CDATA 'x'>]><a/>", [
    "<a>", "</a>",
  ]],
];

t.test("reads declarations", async (t) => {
  for (const [name, document, wanted] of readable) sameEvents(t, document, wanted, name);
});

const NWF = "line 1: not well-formed (invalid token)";
const SYNTAX = "line 1: syntax error";
const ABORTED = "line 1: parsing aborted";
const subset = (text: string): string => `<!DOCTYPE a [${text}]><a/>`;

const refused: readonly (readonly [string, string, string])[] = [
  ["an entity", subset("<!ENTITY e 'x'>"), ABORTED],
  ["on its line", "<!DOCTYPE a [\n<!ENTITY e\n'x'>]><a/>", "line 3: parsing aborted"],
  ["an external entity", subset("<!ENTITY e SYSTEM 'file:///etc/passwd'>"), ABORTED],
  ["a parameter entity", subset("<!ENTITY % e 'x'>"), ABORTED],
  ["a parameter entity called lt", subset("<!ENTITY % lt 'x'>"), ABORTED],
  ["an external parameter entity", subset("<!ENTITY % e SYSTEM 'x'> %e;"), ABORTED],
  ["an unparsed entity", subset("<!ENTITY e SYSTEM 'x' NDATA n>"), ABORTED],
  ["a billion laughs", subset("<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;'>"), ABORTED],
  ["behind a parameter entity of a standalone document",
    "<?xml version='1.0' standalone='yes'?>" + subset("%p;<!ENTITY e 'x'>"), ABORTED],
  ["undeclared though standalone",
    "<?xml version='1.0' standalone='yes'?><!DOCTYPE a SYSTEM 'x'><a>&e;</a>",
    "line 1: undefined entity"],
  ["undeclared in a default", subset("<!ATTLIST a b CDATA '&e;'>"), "line 1: undefined entity"],
  ["two document types", "<!DOCTYPE a><!DOCTYPE a><a/>", SYNTAX],
  ["no name", "<!DOCTYPE><a/>", NWF],
  ["lower-case", "<!doctype a><a/>", SYNTAX],
  ["unknown declaration", subset("<!FOO x>"), SYNTAX],
  ["text in the subset", subset("x"), NWF],
  ["mixed connectors", subset("<!ELEMENT a (b,c|d)>"), SYNTAX],
  ["mixed content without star", subset("<!ELEMENT a (#PCDATA|b)>"), SYNTAX],
  ["an empty group", subset("<!ELEMENT a ()>"), SYNTAX],
  ["an unknown type", subset("<!ATTLIST a b FOO #IMPLIED>"), SYNTAX],
  ["`<` in a default", subset("<!ATTLIST a b CDATA '<'>"), NWF],
  ["a parameter entity inside a declaration", subset("<!ATTLIST a %p;>"),
    "line 1: illegal parameter entity reference"],
  ["no name but a subset", "<!DOCTYPE []><a/>", SYNTAX],
  ["a digit first", "<!DOCTYPE 1a><a/>", SYNTAX],
  ["two names", "<!DOCTYPE a b><a/>", SYNTAX],
  ["a tag instead of its end", "<!DOCTYPE a<b/>", NWF],
  ["no blank behind the keyword", "<!DOCTYPEa><a/>", NWF],
  ["no blank, and a subset", "<!DOCTYPEa []><a/>", SYNTAX],
  ["a sign that no declaration has", "<!DOCTYPE a !><a/>", NWF],
  ["an end in the subset", subset(">"), SYNTAX],
  ["an element in the subset", subset("<b/>"), SYNTAX],
  ["a keyword that runs on", subset("<!ATTLISTa b CDATA 'x'>"), SYNTAX],
  ["a name behind a literal", "<!DOCTYPE a SYSTEM 'x'y><a/>", NWF],
  ["no system identifier", "<!DOCTYPE HTML PUBLIC '-//IETF//DTD HTML 2.0//EN'>", SYNTAX],
  ["half a keyword", "<!doc", "line 1: unclosed token"],
  ["a quote in a keyword", "<!doc'type", NWF],
  ["one inside an entity's value", subset("<!ENTITY e '%p;'>"),
    "line 1: illegal parameter entity reference"],
  ["an odd public identifier", `<!DOCTYPE a PUBLIC "{" "x"><a/>`,
    "line 1: illegal character(s) in public id"],
  ["two hyphens in a comment", subset("<!-- -- -->"), NWF],
  ["an XML declaration inside", subset("<?xml version='1.0'?>"),
    "line 1: XML or text declaration not at start of entity"],
  ["a colon in a notation", subset("<!NOTATION a:b SYSTEM 'x'>"), NWF],
  ["open", "<!DOCTYPE a", "line 1: no element found"],
  ["open subset", "<!DOCTYPE a [", "line 1: no element found"],
  ["open declaration", "<!DOCTYPE a [\n<!ELEMENT a ", "line 2: no element found"],
  ["open literal", "<!DOCTYPE a [\n<!ATTLIST a b CDATA 'x", "line 2: unclosed token"],
  ["open comment", "<!DOCTYPE a [\n<!-- \n", "line 2: unclosed token"],
  ["a NUL inside", "<!DOCTYPE a [\n\u0000]><a/>", "line 2: not well-formed (invalid token)"],
];

t.test("malformed: refuses entities and broken declarations", async (t) => {
  for (const [name, document, wanted] of refused) sameError(t, document, wanted, name);
});

t.test("hostile: groups nested a hundred thousand deep", async (t) => {
  const depth = 100_000;
  const model = "(".repeat(depth) + "b" + ")".repeat(depth);
  sameEvents(t, subset(`<!ELEMENT a ${model}>`), ["<a>", "</a>"], "a content model");
});
