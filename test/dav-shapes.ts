// 207 responses in the shapes that servers in the world give them, of our own writing: what a
// program gets of each through ne_simple_propfind. All are fed in one piece, and byte by byte.
import t from "tap";
import { NE_DEPTH_ONE } from "../lib/ne_basic.js";
import { ne_propset_iterate, ne_simple_propfind } from "../lib/ne_props.js";
import { NE_OK } from "../lib/ne_request.js";
import {
  NE_SESSFLAG_SHAREPOINT,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_session_flag,
} from "../lib/ne_session.js";
import { answer } from "./fixtures/dav.js";
import { scripted } from "./fixtures/server.js";

interface Shape {
  /** Content-Type. */
  type?: string;
  doc: string | Uint8Array;
  /** For each resource: its path (as in its URI), then its properties; the origin is ORIGIN. */
  resources: [uri: string, ...props: string[]][];
  sharepoint?: boolean;
}

const SHAPES: Record<string, Shape> = {
  "Apache mod_dav: prefixes that differ for each response": {
    doc: `<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns0="DAV:">
<D:response xmlns:lp1="DAV:" xmlns:lp2="http://apache.org/dav/props/">
<D:href>/dav/</D:href>
<D:propstat>
<D:prop>
<lp1:resourcetype><D:collection/></lp1:resourcetype>
<lp1:getetag>"1000-61f0"</lp1:getetag>
</D:prop>
<D:status>HTTP/1.1 200 OK</D:status>
</D:propstat>
<D:propstat>
<D:prop>
<ns0:getcontentlength/>
</D:prop>
<D:status>HTTP/1.1 404 Not Found</D:status>
</D:propstat>
</D:response>
<D:response xmlns:lp1="DAV:" xmlns:lp2="http://apache.org/dav/props/">
<D:href>/dav/a%20b.txt</D:href>
<D:propstat>
<D:prop>
<lp1:resourcetype/>
<lp2:executable>F</lp2:executable>
<D:supportedlock>
<D:lockentry>
<D:lockscope><D:exclusive/></D:lockscope>
<D:locktype><D:write/></D:locktype>
</D:lockentry>
</D:supportedlock>
</D:prop>
<D:status>HTTP/1.1 200 OK</D:status>
</D:propstat>
</D:response>
</D:multistatus>
`,
    resources: [
      [
        "/dav/",
        "DAV: resourcetype <DAV:collection></DAV:collection> 200",
        'DAV: getetag "1000-61f0" 200',
        "DAV: getcontentlength null 404",
      ],
      [
        "/dav/a%20b.txt",
        "DAV: resourcetype  200",
        "http://apache.org/dav/props/ executable F 200",
        "DAV: supportedlock \n<DAV:lockentry>\n<DAV:lockscope><DAV:exclusive></DAV:exclusive>" +
          "</DAV:lockscope>\n<DAV:locktype><DAV:write></DAV:write></DAV:locktype>\n" +
          "</DAV:lockentry>\n 200",
      ],
    ],
  },
  "sabre/dav, Nextcloud: four vendors' namespaces, no white space, UTF-8 escaped in hrefs": {
    type: "application/xml; charset=utf-8",
    doc:
      '<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns" ' +
      'xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:response>' +
      "<d:href>/remote.php/dav/files/j%c3%bcrgen/</d:href><d:propstat><d:prop>" +
      "<oc:fileid>42</oc:fileid><oc:permissions>RGDNVCK</oc:permissions>" +
      "<d:quota-available-bytes>-3</d:quota-available-bytes>" +
      "<d:resourcetype><d:collection/></d:resourcetype>" +
      "<oc:share-types/><oc:tags><oc:tag>a &amp; b</oc:tag></oc:tags>" +
      "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop>" +
      "<d:getcontentlength/><nc:has-preview/></d:prop>" +
      "<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response></d:multistatus>\n",
    resources: [
      [
        "/remote.php/dav/files/j%c3%bcrgen/",
        "http://owncloud.org/ns fileid 42 200",
        "http://owncloud.org/ns permissions RGDNVCK 200",
        "DAV: quota-available-bytes -3 200",
        "DAV: resourcetype <DAV:collection></DAV:collection> 200",
        "http://owncloud.org/ns share-types  200",
        "http://owncloud.org/ns tags " +
          "<http://owncloud.org/nstag>a & b</http://owncloud.org/nstag> 200",
        "DAV: getcontentlength null 404",
        "http://nextcloud.org/ns has-preview null 404",
      ],
    ],
  },
  "IIS: data types as attributes, hrefs that are URLs, status before prop": {
    doc:
      '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:" ' +
      'xmlns:b="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/"><D:response>' +
      "<D:href>ORIGIN/docs/r%e9sum%e9.doc</D:href><D:propstat>" +
      "<D:status>HTTP/1.1 200 OK</D:status><D:prop>" +
      '<D:getcontentlength b:dt="int">17</D:getcontentlength>' +
      '<D:creationdate b:dt="dateTime.tz">2024-03-01T10:11:12.345Z</D:creationdate>' +
      '<D:iscollection b:dt="boolean">0</D:iscollection><D:displayname>r</D:displayname>' +
      "</D:prop></D:propstat></D:response></D:multistatus>",
    resources: [
      [
        "/docs/r%e9sum%e9.doc",
        "DAV: getcontentlength 17 200",
        "DAV: creationdate 2024-03-01T10:11:12.345Z 200",
        "DAV: iscollection 0 200",
        "DAV: displayname r 200",
      ],
    ],
  },
  "Exchange: a single letter for each namespace, default namespace undeclared": {
    doc:
      '<?xml version="1.0"?><a:multistatus xmlns:b="urn:schemas:mailheader:" xmlns:a="DAV:">' +
      "<a:contentclass/><a:response><a:href>/exchange/inbox/x.EML</a:href><a:propstat>" +
      "<a:status>HTTP/1.1 200 OK</a:status><a:prop><b:subject>Re: &lt;x&gt;</b:subject>" +
      '<unread xmlns="urn:schemas:httpmail:">1</unread></a:prop></a:propstat></a:response>' +
      "</a:multistatus>",
    resources: [
      [
        "/exchange/inbox/x.EML",
        "urn:schemas:mailheader: subject Re: <x> 200",
        "urn:schemas:httpmail: unread 1 200",
      ],
    ],
  },
  "SharePoint: hrefs not escaped": {
    sharepoint: true,
    doc:
      '<?xml version="1.0" encoding="utf-8" ?><D:multistatus xmlns:D="DAV:" ' +
      'xmlns:Office="urn:schemas-microsoft-com:office:office" ' +
      'xmlns:Z="urn:schemas-microsoft-com:"><D:response>' +
      "<D:href>ORIGIN/sites/Shared Documents/Año {1}.docx</D:href><D:propstat><D:prop>" +
      "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>" +
      "<D:isFolder>f</D:isFolder></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>" +
      "</D:response></D:multistatus>",
    resources: [
      [
        "/sites/Shared%20Documents/A%c3%b1o%20%7b1%7d.docx",
        "urn:schemas-microsoft-com: Win32FileAttributes 00000020 200",
        "DAV: isFolder f 200",
      ],
    ],
  },
  "Subversion: names of its own, an inner href": {
    doc: `<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns0="DAV:">
<D:response xmlns:S="http://subversion.tigris.org/xmlns/svn/"
 xmlns:lp3="http://subversion.tigris.org/xmlns/dav/">
<D:href>/repos/!svn/rvr/7/trunk</D:href>
<D:propstat>
<D:prop>
<D:checked-in><D:href>/repos/!svn/ver/7/trunk</D:href></D:checked-in>
<lp3:baseline-relative-path>trunk</lp3:baseline-relative-path>
<S:ignore>*.o
</S:ignore>
</D:prop>
<D:status>HTTP/1.1 200 OK</D:status>
</D:propstat>
</D:response>
</D:multistatus>
`,
    resources: [
      [
        "/repos/!svn/rvr/7/trunk",
        "DAV: checked-in <DAV:href>/repos/!svn/ver/7/trunk</DAV:href> 200",
        "http://subversion.tigris.org/xmlns/dav/ baseline-relative-path trunk 200",
        "http://subversion.tigris.org/xmlns/svn/ ignore *.o\n 200",
      ],
    ],
  },
  "nginx dav-ext: a propstat without anything": {
    doc:
      '<?xml version="1.0" encoding="utf-8" ?>\n<D:multistatus xmlns:D="DAV:">\n<D:response>\n' +
      "<D:href>/dav/</D:href>\n<D:propstat>\n<D:prop>\n<D:displayname>dav</D:displayname>\n" +
      "<D:getcontentlength>4096</D:getcontentlength>\n<D:lockdiscovery></D:lockdiscovery>\n" +
      "<D:resourcetype><D:collection/></D:resourcetype>\n</D:prop>\n" +
      "<D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n<D:propstat/>\n</D:response>\n" +
      "</D:multistatus>\n",
    resources: [
      [
        "/dav/",
        "DAV: displayname dav 200",
        "DAV: getcontentlength 4096 200",
        "DAV: lockdiscovery  200",
        "DAV: resourcetype <DAV:collection></DAV:collection> 200",
      ],
    ],
  },
  "lighttpd: no resource but the collection, CDATA": {
    doc:
      '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:" ' +
      'xmlns:ns0="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/"><D:response>' +
      "<D:href>/dav/</D:href><D:propstat><D:prop>" +
      "<D:displayname><![CDATA[<dav> & co]]></D:displayname>" +
      '<D:getlastmodified ns0:dt="dateTime.rfc1123">Fri, 01 Mar 2024 10:11:12 GMT' +
      "</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>" +
      "</D:response></D:multistatus>",
    resources: [
      [
        "/dav/",
        "DAV: displayname <dav> & co 200",
        "DAV: getlastmodified Fri, 01 Mar 2024 10:11:12 GMT 200",
      ],
    ],
  },
  "a resource that is gone among those that are there": {
    doc:
      '<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><x/></prop>' +
      "<status>HTTP/1.1 200 OK</status></propstat></response><response><href>/gone</href>" +
      "<status>HTTP/1.1 404 Not Found</status></response><response><href>/c</href><propstat>" +
      "<prop><x/></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>",
    resources: [
      ["/a", "DAV: x  200"],
      ["/c", "DAV: x  200"],
    ],
  },
  "relative hrefs": {
    doc:
      '<multistatus xmlns="DAV:"><response><href>./</href><propstat><prop/></propstat></response>' +
      "<response><href>a.txt</href><propstat><prop/></propstat></response></multistatus>",
    resources: [["/c/"], ["/c/a.txt"]],
  },
  "properties without namespace, and one that has everything inside": {
    doc:
      '<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop>' +
      '<getcontentlength xmlns="">5</getcontentlength>' +
      "<response><href>/inner</href><propstat><status>HTTP/1.1 500 x</status></propstat>" +
      "</response></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>",
    resources: [
      [
        "/a",
        "null getcontentlength 5 200",
        "DAV: response <DAV:href>/inner</DAV:href><DAV:propstat><DAV:status>HTTP/1.1 500 x" +
          "</DAV:status></DAV:propstat> 200",
      ],
    ],
  },
  "ISO-8859-1, by the declaration": {
    type: "text/xml",
    doc: Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><multistatus xmlns="DAV:"><response>' +
        "<href>/a</href><propstat><prop><displayname>größe</displayname></prop></propstat>" +
        "</response></multistatus>",
      "latin1",
    ),
    resources: [["/a", "DAV: displayname größe 0"]],
  },
  "UTF-16, by its byte order mark": {
    type: "text/xml",
    doc: Buffer.from(
      '\ufeff<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop>' +
        "<displayname>größe €</displayname></prop></propstat></response></multistatus>",
      "utf16le",
    ),
    resources: [["/a", "DAV: displayname größe € 0"]],
  },
  "comments and instructions everywhere": {
    doc:
      '<!-- a --><?b c?><multistatus xmlns="DAV:"><!-- d --><response><?e?><href>/<!-- f -->a' +
      "</href><propstat><!-- g --><prop><x>1<!-- h -->2<?i?>3</x></prop></propstat></response>" +
      "</multistatus><!-- j -->",
    resources: [["/a", "DAV: x 123 0"]],
  },
};

for (const [name, { type = 'text/xml; charset="utf-8"', doc, resources, sharepoint }] of
  Object.entries(SHAPES)) {
  for (const size of [1 << 20, 1]) {
    t.test(`${name}, ${size === 1 ? "byte by byte" : "whole"}`, async (t) => {
      const server = await scripted(t, [
        async (peer) => {
          await peer.readRequest();
          const body =
            typeof doc === "string" ? Buffer.from(doc.replaceAll("ORIGIN", server.origin)) : doc;
          await peer.writeEach(answer({ type, body }), size);
          await peer.readEof();
        },
      ]);
      const sess = ne_session_create("http", "127.0.0.1", server.port);
      t.teardown(() => ne_session_destroy(sess));
      if (sharepoint === true) ne_set_session_flag(sess, NE_SESSFLAG_SHAREPOINT, 1);
      const found: [string, ...string[]][] = [];
      const ret = await ne_simple_propfind(sess, "/c/", NE_DEPTH_ONE, null, (_u, uri, set) => {
        const props: string[] = [];
        ne_propset_iterate(set, (_v, { nspace, name }, value, status) => {
          props.push(`${nspace} ${name} ${value} ${status.code}`);
          return 0;
        });
        t.equal(`${uri.scheme}://${uri.host}:${uri.port}`, server.origin);
        found.push([uri.path!, ...props]);
      });
      t.equal(ne_get_error(sess), "207 Multi-Status");
      t.equal(ret, NE_OK);
      t.same(found, resources);
    });
  }
}
