// Forms as bytes: the HTML standard's rules, byte by byte, and read by another implementation.
import t from "tap";
import { encodeForm } from "../../../lib/internal/script/form_data.js";

async function bytesOf(form: FormData): Promise<{ text: string; type: string; length: number }> {
  const { open, type, length } = encodeForm(form);
  const blocks: Uint8Array[] = [];
  for await (const block of open()) blocks.push(block);
  return { text: Buffer.concat(blocks).toString("utf8"), type, length };
}

t.test("bytes", async (t) => {
  const form = new FormData();
  form.append("a", "1");
  form.append("lines", "x\ny\rz\r\n");
  form.append('odd"\r\nname\n', "\u00fc");
  form.append("file", new File(["<p>"], 'a"b\r\nc.html', { type: "text/html" }));
  form.append("blob", new Blob(["b"]));
  const { text, type, length } = await bytesOf(form);
  const [, boundary = ""] = /^multipart\/form-data; boundary=(.+)$/.exec(type) ?? [];
  t.match(boundary, /^[-0-9A-Za-z]{20,70}$/, "needs no quotes");
  const part = (name: string, rest: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${rest}\r\n`;
  t.equal(
    text,
    part("a", "\r\n\r\n1") +
      part("lines", "\r\n\r\nx\r\ny\r\nz\r\n") +
      part("odd%22%0D%0Aname%0D%0A", "\r\n\r\n\u00fc") +
      part("file", '; filename="a%22b%0D%0Ac.html"\r\nContent-Type: text/html\r\n\r\n<p>') +
      part("blob", '; filename="blob"\r\nContent-Type: application/octet-stream\r\n\r\nb') +
      `--${boundary}--\r\n`,
  );
  t.equal(length, Buffer.byteLength(text));
});

t.test("another implementation reads the same back", async (t) => {
  const form = new FormData();
  form.append("n\u00e4me", "v\u00e4lue");
  form.append("file", new File([Buffer.alloc(200_000, "x")], "gr\u00fc\u00df.bin"));
  const { open, type } = encodeForm(form);
  const body = new ReadableStream({
    async start(controller) {
      for await (const block of open()) controller.enqueue(block);
      controller.close();
    },
  });
  const back = await new Response(body, { headers: { "content-type": type } }).formData();
  t.equal(back.get("n\u00e4me"), "v\u00e4lue");
  const file = back.get("file") as File;
  t.equal(file.name, "gr\u00fc\u00df.bin");
  t.equal(file.size, 200_000);
});

t.test("it can be read again, and each form has a boundary of its own", async (t) => {
  const form = new FormData();
  form.append("a", new Blob(["1"]));
  const { open, type } = encodeForm(form);
  for (let time = 0; time < 2; time++) {
    let bytes = 0;
    for await (const block of open()) bytes += block.length;
    t.equal(bytes, encodeForm(form).length);
  }
  t.not(encodeForm(form).type, type);
  const empty = await bytesOf(new FormData());
  t.match(empty.text, /^--\S+--\r\n$/);
});
