import { describe, expect, it } from 'vitest';
import { parseLayerLog } from '../../../src/engine/layer-log';
import { checkRecordedLayers, recordedLayers } from '../../../src/engine/layer-record';
import { parseInspectorJson } from '../../../src/engine/layers';

// Written by hand after NVIDIA's public documentation of IEngineInspector and its 10.x to 11.x migration page.
const json10 = JSON.stringify({
  Layers: [
    {
      Name: 'conv1 + relu1',
      LayerType: 'CaskConvolution',
      Inputs: [
        {
          Name: 'x',
          Location: 'Device',
          Dimensions: [1, 3, 224, 224],
          'Format/Datatype': 'Thirty-two wide channel vectorized row major Int8 format',
        },
      ],
      Outputs: [
        {
          Name: 'a',
          Location: 'Device',
          Dimensions: [1, 64, 112, 112],
          'Format/Datatype': 'Channel major FP16 format where channel % 8 == 0',
        },
      ],
      ParameterType: 'Convolution',
      Weights: { Type: 'Int8', Count: 9408 },
      Bias: { Type: 'Float', Count: 64 },
      Origin: 'CONVOLUTION',
      TacticName: 'sm80_xmma_fprop_implicit_gemm',
      TacticValue: '0x00000000000003ea',
      StreamId: 0,
      Metadata: '[ONNX Layer: conv1]\u001e[ONNX Layer: relu1]',
    },
    {
      Name: 'shuffle',
      LayerType: 'NoOp',
      Inputs: [{ Name: 'a', Dimensions: [-1, 64], 'Format/Datatype': 'N/A due to dynamic shapes' }],
      Outputs: [],
      TacticValue: '0x0000000000000000',
    },
  ],
  Bindings: ['x', 'y'],
});

const json11 = JSON.stringify({
  Layers: [
    {
      Name: 'conv1 + relu1',
      LayerType: 'CaskConvolution',
      Inputs: [
        {
          Name: 'x',
          Dimensions: [1, 3, 224, 224],
          Format: 'Thirty-two wide channel vectorized row major format',
          Datatype: 'Int8',
        },
      ],
      Outputs: [
        {
          Name: 'a',
          Dimensions: [1, 64, 112, 112],
          Format: 'Channel major format where channel % 8 == 0',
          Datatype: 'Half',
        },
      ],
      TacticName: 'sm80_xmma_fprop_implicit_gemm',
      StreamId: 0,
      Metadata: '[ONNX Layer: conv1][ONNX Layer: relu1]',
    },
  ],
  'I/O Tensors': [
    {
      Name: 'x',
      IOMode: 'Input',
      DataType: 'Float',
      Dimensions: [-1, 3, 224, 224],
      Location: 'Device',
      IsShapeInferenceIO: false,
      ProfileInfo: [
        {
          MinShape: [1, 3, 224, 224],
          OptShape: [2, 3, 224, 224],
          MaxShape: [4, 3, 224, 224],
          Format: 'Row major linear FP32 format (kLINEAR)',
        },
      ],
    },
  ],
});

describe("the inspector's JSON", () => {
  it('of 10.x', () => {
    const { detail, layers, io } = parseInspectorJson(json10);
    expect(detail).toBe('detailed');
    expect(layers[0]).toEqual({
      name: 'conv1 + relu1',
      type: 'CaskConvolution',
      precision: 'int8',
      inputs: [
        {
          name: 'x',
          dtype: 'int8',
          shape: [1, 3, 224, 224],
          format: 'Thirty-two wide channel vectorized row major Int8 format',
        },
      ],
      outputs: [
        {
          name: 'a',
          dtype: 'float16',
          shape: [1, 64, 112, 112],
          format: 'Channel major FP16 format where channel % 8 == 0',
        },
      ],
      constants: [
        { name: 'weights', dtype: 'int8', shape: [9408], format: undefined },
        { name: 'bias', dtype: 'float32', shape: [64], format: undefined },
      ],
      tactic: 'sm80_xmma_fprop_implicit_gemm',
      stream: 0,
      onnxNodes: ['conv1', 'relu1'],
    });
    expect(layers[1]).toMatchObject({
      precision: undefined,
      inputs: [{ name: 'a', dtype: undefined, format: undefined, shape: [-1, 64] }],
      stream: undefined,
    });
    expect(io.map(({ name, mode }) => [name, mode])).toEqual([
      ['x', undefined],
      ['y', undefined],
    ]);
  });

  it('of 11.x comes out in the same shape', () => {
    const ten = parseInspectorJson(json10).layers[0]!;
    const { detail, layers, io } = parseInspectorJson(json11);
    expect(detail).toBe('detailed');
    expect(Object.keys(layers[0]!)).toEqual(Object.keys(ten));
    for (const key of ['name', 'type', 'precision', 'tactic', 'stream', 'onnxNodes'] as const) {
      expect(layers[0]![key]).toEqual(ten[key]);
    }
    expect(layers[0]!.outputs[0]).toMatchObject({ dtype: 'float16', shape: [1, 64, 112, 112] });
    expect(io).toEqual([
      {
        name: 'x',
        mode: 'input',
        dtype: 'float32',
        shape: [-1, 3, 224, 224],
        location: 'device',
        isShapeTensor: false,
        profiles: [
          {
            min: [1, 3, 224, 224],
            opt: [2, 3, 224, 224],
            max: [4, 3, 224, 224],
            format: 'Row major linear FP32 format (kLINEAR)',
          },
        ],
      },
    ]);
  });

  it('with names alone, with nothing, and what is no JSON', () => {
    const names = parseInspectorJson('{"Layers": ["conv1 + relu1"], "Bindings": []}');
    expect(names).toMatchObject({
      detail: 'names',
      layers: [{ name: 'conv1 + relu1', inputs: [] }],
    });
    for (const text of ['{}', '', 'Layers: none', '[]', '{"Layers": []}']) {
      expect(parseInspectorJson(text)).toEqual({ detail: 'none', layers: [], io: [] });
    }
  });
});

describe('the text that the builder logs', () => {
  it('in short, as with layer names alone', () => {
    const text = `Engine Layer Information:
Layer(Reformat): Reformatting CopyNode for Input Tensor 0 to conv1, Tactic: 0x00000000000003ea, x (Float[1,3,8,8]) -> copy (Half[1,3:8,8,8])
Layer(CaskConvolution): conv1, then relu, Tactic: 0xd3f592fae61c7986, copy (Half[1,3:8,8,8]), s (Int32[]) -> y (Half[1,4,8,8])
Layer(NoOp): none, Tactic: 0x0000000000000000,  -> `;
    const { detail, layers } = parseLayerLog(text);
    expect(detail).toBe('tensors');
    expect(
      layers.map(({ name, type, precision, tactic }) => [name, type, precision, tactic]),
    ).toEqual([
      [
        'Reformatting CopyNode for Input Tensor 0 to conv1',
        'Reformat',
        'float32',
        '0x00000000000003ea',
      ],
      ['conv1, then relu', 'CaskConvolution', 'float16', '0xd3f592fae61c7986'],
      ['none', 'NoOp', undefined, undefined],
    ]);
    expect(layers[0]!.outputs).toEqual([
      { name: 'copy', dtype: 'float16', shape: [1, 3, 8, 8], format: 'dimension 1 packed by 8' },
    ]);
    expect(layers[1]!.inputs[1]).toEqual({
      name: 's',
      dtype: 'int32',
      shape: [],
      format: undefined,
    });
  });

  it('in detail', () => {
    const text = `Layers:
Name: wait_0, LayerType: wait, Inputs: [], Constants: [], Outputs: [], TacticName: , StreamId: 3, EventId: 15, Metadata: 
Name: fused, with a comma, LayerType: kgen, Inputs: [ { Name: x, Dimensions: [-1,3], Strides: [3,1], Datatype: Float, Format: (Linear) Row major linear format }, { Name: s, Dimensions: [], Datatype: Int64, Format: (Linear) Row major linear format }], Constants: [ { Name: w, Dimensions: [3,3], Datatype: BFloat16, Format: (NHWC) Channel major format }], Outputs: [ { Name: y, Dimensions: [-1,3], Datatype: Half, Format: (Linear) Row major linear format }], TacticName: kernel_0x1, StreamId: 0, Metadata: [ONNX Layer: a/b][ONNX Layer: c]

I/O Tensors:
 Name: x, IOMode: Input, DataType: Float, Dimensions: [-1,3], Location: Device, IsShapeInferenceIO: false, ProfileInfo: [ { MinShape: [1,3], OptShape: [2,3], MaxShape: [4,3], Format: Row major linear FP32 format (kLINEAR) }]

Engine Metadata:
 Multi-Device: Disabled`;
    const { detail, layers, io } = parseLayerLog(text);
    expect(detail).toBe('detailed');
    expect(layers).toHaveLength(2);
    expect(layers[0]).toMatchObject({
      name: 'wait_0',
      stream: 3,
      tactic: undefined,
      onnxNodes: [],
    });
    expect(layers[1]).toEqual({
      name: 'fused, with a comma',
      type: 'kgen',
      precision: 'float32',
      inputs: [
        { name: 'x', dtype: 'float32', shape: [-1, 3], format: '(Linear) Row major linear format' },
        { name: 's', dtype: 'int64', shape: [], format: '(Linear) Row major linear format' },
      ],
      constants: [
        { name: 'w', dtype: 'bfloat16', shape: [3, 3], format: '(NHWC) Channel major format' },
      ],
      outputs: [
        { name: 'y', dtype: 'float16', shape: [-1, 3], format: '(Linear) Row major linear format' },
      ],
      tactic: 'kernel_0x1',
      stream: 0,
      onnxNodes: ['a/b', 'c'],
    });
    expect(io).toMatchObject([
      {
        name: 'x',
        mode: 'input',
        dtype: 'float32',
        isShapeTensor: false,
        profiles: [
          {
            min: [1, 3],
            opt: [2, 3],
            max: [4, 3],
            format: 'Row major linear FP32 format (kLINEAR)',
          },
        ],
      },
    ]);
  });

  it('any text: no exception, no endless loop', () => {
    const pieces = [
      'Layers:\n',
      'Name: ',
      'Inputs: [ { ',
      ' }]',
      ', ',
      '[',
      ']',
      '{',
      '}',
      'a',
      '1',
    ];
    let state = 7;
    for (let round = 0; round < 3000; round++) {
      let text = round % 2 ? 'Layers:\n' : 'Engine Layer Information:\nLayer(';
      for (let i = 0; i < 12; i++) {
        state = (state * 48271) % 0x7fffffff;
        text += pieces[state % pieces.length];
      }
      expect(Array.isArray(parseLayerLog(text).layers)).toBe(true);
    }
  });
});

describe('layers in a plan file', () => {
  it('are left out when there are none', () => {
    expect(recordedLayers(undefined)).toBeUndefined();
    expect(recordedLayers('Layers:\n')).toBeUndefined();
    expect(recordedLayers('Layers:\nName: a, LayerType: b')?.layers).toHaveLength(1);
    expect(recordedLayers(`Layers:\nName: a${', X: [{Y: [{Z: [{'.repeat(20_000)}`)).toBeUndefined();
  });

  it('survive JSON, and count for nothing when they are not of the shape', () => {
    const recorded = recordedLayers('Layers:\nName: a, LayerType: b')!;
    expect(checkRecordedLayers(JSON.parse(JSON.stringify(recorded)))).toMatchObject({
      detail: 'detailed',
      layers: [{ name: 'a' }],
    });
    for (const bad of [
      undefined,
      1,
      {},
      { detail: 'x', layers: [], io: [] },
      { layers: [1], io: [] },
    ])
      expect(checkRecordedLayers(bad)).toBeUndefined();
    const [layer] = recorded.layers;
    for (const bad of [
      { name: 1 },
      { ...layer, inputs: [null] },
      { ...layer, outputs: [{ name: 'y', shape: ['1'] }] },
      { ...layer, constants: 'none' },
      { ...layer, onnxNodes: [1] },
      { ...layer, type: {} },
    ])
      expect(checkRecordedLayers({ ...recorded, layers: [bad] })).toBeUndefined();
    for (const bad of [
      { name: 'x' },
      { name: 'x', profiles: [1] },
      { name: 'x', mode: 'z', profiles: [] },
    ])
      expect(checkRecordedLayers({ ...recorded, io: [bad] })).toBeUndefined();
    expect(checkRecordedLayers({ ...recorded, io: [{ name: 'x', profiles: [] }] })).toBeDefined();
  });
});
