// The hrefs within an element, wherever they stand.
import t from "tap";
import { elementOf, type nx_element } from "../../../lib/internal/resources/element.js";
import { hrefsIn } from "../../../lib/internal/resources/hrefs.js";

const href = (...text: (string | nx_element)[]): nx_element => elementOf("DAV:", "href", text);

t.test("hrefs", async (t) => {
  const tree = elementOf("DAV:", "set", [
    href(" /a "),
    elementOf("x", "y", [href("/b c"), href("")]),
    elementOf("x", "href", ["/not"]),
    href("\n"),
    href("/ä", elementOf("x", "z", ["/d"])),
  ]);
  t.strictSame(hrefsIn(tree).map((each) => each.toLowerCase()), ["/a", "/b%20c", "/%c3%a4/d"]);
  t.strictSame(hrefsIn(href("/self")), ["/self"]);
  t.strictSame(hrefsIn(elementOf("", "x")), []);
});
