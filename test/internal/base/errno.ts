// Error texts are glibc's, whatever the platform.
import t from "tap";
import { errnoOf, errnoText, strerror } from "../../../lib/internal/base/errno.js";

t.test("numbers of Linux", async (t) => {
  t.equal(strerror(0), "Success");
  t.equal(strerror(2), "No such file or directory");
  t.equal(strerror(41), "Unknown error 41", "a gap in the table");
  t.equal(strerror(110), "Connection timed out");
  t.equal(strerror(111), "Connection refused");
  t.equal(strerror(133), "Memory page has hardware error");
  t.equal(strerror(134), "Unknown error 134");
  t.equal(strerror(-1), "Unknown error -1");
});

t.test("codes of Node", async (t) => {
  const coded = (code: string) => Object.assign(new Error(`connect ${code} ::1:80`), { code });
  t.equal(errnoText(coded("ECONNREFUSED")), "Connection refused");
  t.equal(errnoText(coded("EWOULDBLOCK")), "Resource temporarily unavailable", "a second name");
  t.equal(errnoText(coded("ENOTFOUND")), "Host not found");
  t.equal(errnoText(new AggregateError([new Error("x"), coded("EPIPE")])), "Broken pipe");
  t.equal(errnoText(coded("ERR_UNHEARD_OF")), "connect ERR_UNHEARD_OF ::1:80");
  t.equal(errnoText(new Error("\u001b[2Jbad\r\nnews ")), "[2Jbad  news", "printable, one line");
  t.equal(errnoText(new Error("")), "Unknown error");
  t.equal(errnoOf("ENODEV"), 19);
  t.equal(errnoOf("nonsense"), 0);
});
