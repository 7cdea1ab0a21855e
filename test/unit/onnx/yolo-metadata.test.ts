import { describe, expect, it } from 'vitest';
import { parsePythonLiteral } from '../../../src/onnx/python-literal';
import { parseYoloMetadata } from '../../../src/onnx/yolo-metadata';

describe('Python literals', () => {
  it.each([
    ["'it\\'s'", "it's"],
    ['"it\'s"', "it's"],
    ["'caf\\xe9 \\u20ac \\U0001f600 \\n\\\\ \\d'", 'café € 😀 \n\\ \\d'],
    ['-1.5e3', -1500],
    ['1_000', 1000],
    ['.5', 0.5],
    ['True', true],
    ['None', null],
    ['false', false],
    ['( 1 , )', [1]],
    ['(1)', 1],
    ['()', []],
    ['[1, "a", [2.0,],]', [1, 'a', [2]]],
    [
      "{0: 'a', 'b': (1, 2), }",
      new Map<string | number, unknown>([
        [0, 'a'],
        ['b', [1, 2]],
      ]),
    ],
    ['\n{ }\t', new Map()],
  ])('reads %s', (text, value) => {
    expect(parsePythonLiteral(text)).toEqual(value);
  });

  it.each([
    ['', /a literal at character 0 but found the end/],
    ["__import__('os')", /a literal at character 0/],
    ["'open", /a closing quote/],
    ["'\\", /a closing quote/],
    ["'\\x4'", /2 hexadecimal digits/],
    ["'\\U00110000'", /8 hexadecimal digits/],
    ['{1: 2', /","/],
    ['{1, 2}', /":"/],
    ['{[1]: 2}', /a string or a number as key/],
    ['[1 2]', /","/],
    ['1 2', /the end of the literal/],
    ['-', /a number/],
    ['1e', /the end of the literal/],
    ['['.repeat(100_000), /fewer nested brackets/],
    ['toString', /a literal/],
  ])('refuses %#: %s', (text, message) => {
    expect(() => parsePythonLiteral(text)).toThrow(SyntaxError);
    expect(() => parsePythonLiteral(text)).toThrow(message);
  });
});

describe('metadata of Ultralytics exports', () => {
  it('reads a pose export', () => {
    const metadata = parseYoloMetadata({
      description: 'Ultralytics YOLOv8n-pose model',
      version: '8.4.190',
      license: 'AGPL-3.0',
      stride: '32',
      task: 'pose',
      batch: '1',
      imgsz: '[480, 640]',
      names: "{0: 'can', 1: \"it's\", 2: 'naïve\\tname'}",
      channels: '3',
      end2end: 'False',
      kpt_shape: '[17, 3]',
      kpt_names: "{0: ['nose', 'eye']}",
      args: "{'batch': 1, 'nms': True, 'data': None}",
    });
    expect(metadata).toEqual({
      task: 'pose',
      names: ['can', "it's", 'naïve\tname'],
      stride: 32,
      imageSize: [480, 640],
      batch: 1,
      channels: 3,
      keypointShape: [17, 3],
      keypointNames: new Map([[0, ['nose', 'eye']]]),
      endToEnd: false,
      nmsInside: true,
      description: 'Ultralytics YOLOv8n-pose model',
      version: '8.4.190',
      license: 'AGPL-3.0',
      problems: [],
    });
  });

  it('reads lists, JSON, numeric names, holes and older forms', () => {
    expect(parseYoloMetadata({ names: "['a', 'b']" }).names).toEqual(['a', 'b']);
    expect(parseYoloMetadata({ names: '{"1": "b", "0": "a"}' }).names).toEqual(['a', 'b']);
    expect(parseYoloMetadata({ names: "{0: 7, 3: 'd'}" }).names).toEqual([
      '7',
      'class1',
      'class2',
      'd',
    ]);
    expect(parseYoloMetadata({ stride: '[8, 16, 32]' }).stride).toBe(32);
    expect(parseYoloMetadata({ stride: '32.0', imgsz: '640' })).toMatchObject({
      stride: 32,
      imageSize: [640, 640],
    });
    expect(parseYoloMetadata({ imgsz: '(320, 416)' }).imageSize).toEqual([320, 416]);
  });

  it('says nothing of a model without metadata', () => {
    const { problems, ...rest } = parseYoloMetadata({});
    expect(problems).toEqual([]);
    expect(Object.values(rest).every((value) => value === undefined)).toBe(true);
  });

  it('lists what it cannot use, once each, and keeps the rest', () => {
    const metadata = parseYoloMetadata({
      task: 'dance',
      names: "{0: 'a', 99999999999: 'b'}",
      stride: '-32',
      imgsz: '[640, 640, 3]',
      kpt_shape: '[17, 4]',
      channels: 'many',
      end2end: '1',
      batch: '4',
    });
    expect(metadata).toMatchObject({ task: undefined, names: undefined, stride: undefined });
    expect(metadata.batch).toBe(4);
    expect(metadata.problems).toHaveLength(7);
    expect(metadata.problems[0]).toBe(
      'Expected one of detect, segment, pose, obb, classify for metadata "task" but received "dance"',
    );
    for (const names of [
      "{-1: 'a'}",
      "{0.5: 'a'}",
      "{'a': 'b'}",
      "{'': 'b'}",
      '{}',
      '[]',
      '[[1]]',
      '5',
    ])
      expect(parseYoloMetadata({ names }).names).toBeUndefined();
  });

  it('is not fooled by keys of Object.prototype', () => {
    expect(parseYoloMetadata(JSON.parse('{"__proto__": "x"}')).problems).toEqual([]);
    const dict = parsePythonLiteral("{'__proto__': 1}");
    expect(dict).toEqual(new Map([['__proto__', 1]]));
  });
});
