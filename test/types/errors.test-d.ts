import { describe, expectTypeOf, it } from 'vitest';
import { type ErrorCode, type errorTable, TensorRTNodeError } from '../../src';

describe('TensorRTNodeError', () => {
  it('has a code of the table, details and an HTTP status', () => {
    expectTypeOf<TensorRTNodeError['code']>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<TensorRTNodeError['details']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<TensorRTNodeError['status']>().toEqualTypeOf<number>();
    expectTypeOf<keyof typeof errorTable>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<'ERR_DISPOSED'>().toExtend<ErrorCode>();
    expectTypeOf<'ERR_UNKNOWN'>().not.toExtend<ErrorCode>();
  });

  it('narrows what was caught', () => {
    const caught: unknown = new TensorRTNodeError('ERR_IO', 'text');
    if (caught instanceof TensorRTNodeError)
      expectTypeOf(caught).toEqualTypeOf<TensorRTNodeError>();
  });
});
