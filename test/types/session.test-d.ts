import { describe, expectTypeOf, it } from 'vitest';
import {
  type BackendName,
  type DType,
  type Feeds,
  Session,
  type SessionOptions,
  Tensor,
  type TensorInfo,
} from '../../src';

describe('Session', () => {
  it('is made by a factory alone', () => {
    expectTypeOf(Session.create).returns.resolves.toEqualTypeOf<Session>();
    // @ts-expect-error the constructor is private: a constructor cannot wait for the model
    new Session();
  });

  it('runs feeds to tensors by name', () => {
    expectTypeOf<Session['run']>().returns.resolves.toEqualTypeOf<Record<string, Tensor>>();
    expectTypeOf<{ x: Tensor<'float32'> }>().toExtend<Feeds>();
    expectTypeOf<{ x: { data: Float32Array; dims: number[] } }>().toExtend<Feeds>();
    expectTypeOf<{ x: number }>().not.toExtend<Feeds>();
  });

  it('says where it runs', () => {
    expectTypeOf<Session['backend']>().toEqualTypeOf<BackendName>();
    expectTypeOf<Session['reasons']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<Session['inputs']>().toEqualTypeOf<readonly TensorInfo[]>();
  });

  it('is disposable', () => {
    expectTypeOf<Session>().toExtend<AsyncDisposable>();
    expectTypeOf<Session['dispose']>().returns.toEqualTypeOf<Promise<void>>();
  });

  it('takes known backends only', () => {
    expectTypeOf<SessionOptions['backend']>().toEqualTypeOf<'auto' | BackendName | undefined>();
    expectTypeOf<{ backend: 'cuda' }>().not.toExtend<SessionOptions>();
  });
});

describe('Tensor', () => {
  it('holds the array of its dtype', () => {
    expectTypeOf(new Tensor('float32', [1], [1]).data).toEqualTypeOf<Float32Array>();
    expectTypeOf(new Tensor('int64', [1n], [1]).data).toEqualTypeOf<BigInt64Array>();
    expectTypeOf(new Tensor('float16', [1], [1]).data).toEqualTypeOf<Uint16Array>();
    expectTypeOf(new Tensor('string', ['a'], [1]).data).toEqualTypeOf<string[]>();
  });

  it('refuses a dtype that ONNX lacks', () => {
    expectTypeOf<'float12'>().not.toExtend<DType>();
  });
});
