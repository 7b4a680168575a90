import {
  isLiteral,
  parseTemplate,
  renderBody,
  renderTemplate,
  TemplateError,
  templateReferences,
} from '../../src/dispatch/template.ts';
import { contextOf, headOf } from './fixtures.ts';

const values = {
  env: (name: string) => (name === 'REGION' ? 'eu' : undefined),
  file: (path: string) => (path === '/run/token' ? 's3cret' : undefined),
};

const context = contextOf({
  values,
  head: headOf({
    uri: '/a?q=x%20y&q=second&bad=%zz&plus=a+b&Case=C&empty=',
    rawHeaders: ['X-One', 'eins', 'x-two', 'a', 'X-TWO', 'b', 'cookie', 'a=1', 'cookie', 'b=2', 'host', 'other.test'],
    authority: 'real.test:80',
    remoteAddress: '10.1.2.3',
  }),
});

function render(text: string): string {
  return renderTemplate(parseTemplate(text), context);
}

function body(text: string, contentType: string, from = context): string {
  return renderBody(parseTemplate(text), from, contentType);
}

describe('parseTemplate', () => {
  test.each([
    ['${header:x-one}', 'eins'],
    ['${header:X-ONE}', 'eins'],
    ['<${query:q}>', '<x y>'],
    ['${query:plus}', 'a b'],
    ['${query:case}', 'C'],
    ['${query:empty|no}', ''],
    ['${env:REGION}', 'eu'],
    ['${file:/run/token}', 's3cret'],
    ['${id}', '01997a4e-0000-7000-8000-000000000000'],
    ['${rule}/${target}', 'users/prod'],
    ['${remote_addr}', '10.1.2.3'],
    ['${timestamp}', '1697812345.678'],
  ])('%s becomes %s', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  test.each([
    ['$${id}', '${id}'],
    ['$$${id}', '$${id}'],
    ['$', '$'],
    ['$$', '$$'],
    ['a$b{c}d}', 'a$b{c}d}'],
    ['100 $ {id}', '100 $ {id}'],
    ['', ''],
    ['{{7*7}}', '{{7*7}}'],
    ['`${"$"}`', '`${"$"}`'],
  ])('%s is literal text', (text, expected) => {
    if (text.startsWith('`')) expect(() => parseTemplate(text)).toThrow(TemplateError);
    else expect(render(text)).toBe(expected);
  });

  test.each([
    ['${header:none|fall back}', 'fall back'],
    ['${header:none|}', ''],
    ['${header:none|a|b}', 'a|b'],
    ['${env:none|x}', 'x'],
    ['${file:/none|x}', 'x'],
    ['${query:bad|x}', 'x'],
    ['${query:none|$}', '$'],
    ['${id|x}', '01997a4e-0000-7000-8000-000000000000'],
    ['[${header:none}]', '[]'],
  ])('%s falls back to %s', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  test.each([
    ['ab${process.env}', 2, /no such reference "process.env"/],
    ['${', 0, /never closed/],
    ['${}', 0, /no such reference/],
    ['x${header:}', 1, /needs a name/],
    ['${header}', 0, /needs a name/],
    ['${header:a b}', 0, /no header name/],
    ['${env:}', 0, /needs a name/],
    ['${file:token}', 0, /no absolute path/],
    ['${id:x}', 0, /takes no argument/],
    ['${ID}', 0, /no such reference/],
    ['${ id }', 0, /no such reference/],
    ['${header:${id}}', 0, /do not nest/],
    ['${header:a|${id}}', 0, /do not nest/],
    ['${constructor}', 0, /no such reference/],
    ['${__proto__}', 0, /no such reference/],
    ['${toString:x}', 0, /no such reference/],
  ])('%s is refused at %i', (text, offset, message) => {
    let thrown: unknown;
    try {
      parseTemplate(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TemplateError);
    expect(thrown).toMatchObject({ offset, message: expect.stringMatching(message) });
  });

  test('references to this machine are listed for the policy, isLiteral knows text without any', () => {
    const template = parseTemplate('${file:/a}${env:B}${header:c|d}${file:/e|f}');
    expect(templateReferences(template)).toEqual({ files: ['/a', '/e'], env: ['B'] });
    expect(isLiteral(template)).toBe(false);
    expect(isLiteral(parseTemplate('a $${id}'))).toBe(true);
    expect(isLiteral(parseTemplate(''))).toBe(true);
  });
});

describe('values of a request', () => {
  test('lines of one header are joined as a list, cookies with a semicolon', () => {
    expect(render('${header:x-two}')).toBe('a, b');
    expect(render('${header:cookie}')).toBe('a=1; b=2');
  });

  test('the host is the authority that the request is for, not a Host field that it overrides', () => {
    expect(render('${header:host}')).toBe('real.test:80');
  });

  test('data that looks like a template is put in as it is', () => {
    const head = headOf({ uri: '/?q=%24%7Bid%7D', rawHeaders: ['x', '${env:REGION}{{7*7}}${process.env}'] });
    const from = contextOf({ values, head });
    expect(renderTemplate(parseTemplate('${header:x} ${query:q}'), from)).toBe(
      '${env:REGION}{{7*7}}${process.env} ${id}',
    );
  });

  test('names of prototypes are names like others', () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
      expect(render(`\${header:${name}|none}\${query:${name}|none}`)).toBe('nonenone');
      const head = headOf({ uri: `/?${name}=q`, rawHeaders: [name, 'h'] });
      expect(renderTemplate(parseTemplate(`\${header:${name}}\${query:${name}}`), contextOf({ head }))).toBe('hq');
    }
  });

  test('the id is asked for only where a template names it', () => {
    let asked = 0;
    const id = (): string => {
      asked++;
      return 'x';
    };
    renderTemplate(parseTemplate('${rule}'), contextOf({ id }));
    expect(asked).toBe(0);
    renderTemplate(parseTemplate('${id}'), contextOf({ id }));
    expect(asked).toBe(1);
  });

  test('text goes out as its UTF-8 bytes, bytes of a header as they came', () => {
    const head = headOf({ uri: '/?q=%E5%98%8A', rawHeaders: ['x', '\xe9'] });
    const wire = renderTemplate(parseTemplate('é${query:q}${header:x}'), contextOf({ head }));
    expect(Buffer.from(wire, 'latin1')).toEqual(Buffer.from([0xc3, 0xa9, 0xe5, 0x98, 0x8a, 0xe9]));
  });
});

describe('renderBody', () => {
  const hostile = contextOf({ head: headOf({ rawHeaders: ['x', `"},{"admin":true}\\ <b>'&\``] }) });

  test.each(['application/json', 'application/problem+json; charset=utf-8', 'Application/JSON'])(
    'in %s a value inside quotes stays inside them',
    (type) => {
      const text = body('{"a": "<${header:x}>", "n": ${timestamp}}', type, hostile);
      expect(JSON.parse(text)).toEqual({ a: `<${hostile.head.rawHeaders[1]}>`, n: 1697812345.678 });
    },
  );

  test('in JSON a value outside quotes becomes a string, a missing one null', () => {
    const text = body(
      '{"a": ${header:x}, "b": ${header:none}, "c\\"d": "${header:none}"}',
      'application/json',
      hostile,
    );
    expect(JSON.parse(text)).toEqual({ a: hostile.head.rawHeaders[1], b: null, 'c"d': '' });
  });

  test('in JSON no markup is left for a browser to find', () => {
    expect(body('{"a": "${header:x}"}', 'application/json', hostile)).not.toContain('<b>');
  });

  test.each(['text/html', 'text/html; charset=utf-8', 'application/xml', 'image/svg+xml'])(
    'in %s markup in a value is text',
    (type) => {
      const text = body('<p title="${header:x}">', type, hostile);
      expect(text).toBe('<p title="&quot;},{&quot;admin&quot;:true}\\ &lt;b&gt;&#39;&amp;&#96;">');
    },
  );

  test.each(['text/plain', '', 'application/octet-stream', 'text/jsonish'])(
    'in "%s" a value stands as it is',
    (type) => {
      expect(body('<${header:x}${header:none}>', type, hostile)).toBe(`<${hostile.head.rawHeaders[1]}>`);
    },
  );

  test('bytes of a header are read as UTF-8 where they are that, else as latin1', () => {
    const head = headOf({ rawHeaders: ['utf', '\xc3\xa9', 'latin', '\xe9'] });
    expect(body('${header:utf}${header:latin}', 'text/plain', contextOf({ head }))).toBe('éé');
  });
});
