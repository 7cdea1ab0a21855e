// What set-up puts into .sdk/: every part, its pinned version, checksum and place.
//
// Checksums are those of the registries' archives. Newer headers also need the version gates of native/trt
// to be made again.

const currentCrate = {
  kind: 'crate',
  name: 'trtx-sys',
  version: '0.9.1',
  sha256: '5480ee056292951daa1bc74532162d6cb75190f091e45d7d97c0c356916ae171',
  bytes: 1_024_770,
};

const trt10Crate = {
  kind: 'crate',
  name: 'trtx-sys',
  version: '0.5.0',
  sha256: '1efd9036abbd2775da5df4e49793ec8e656f026fb9c60dff7e95bda2d654e634',
  bytes: 527_008,
};

const rtxWheel = {
  kind: 'wheel',
  name: 'tensorrt-rtx-cu13-libs',
  version: '1.7.1.116',
  sha256: {
    x64: 'e3fd45fed001240d63304e77a2d4006319b839994237cb294b6e7ad72acaabcd',
    arm64: 'ec8b6cb95a8ea61e31d544dbc5039d35219b311999f92c518a3889aaae74359c',
  }[process.arch],
  bytes: 95_153_708,
};

/** Built for each Python, of which any will do: only its libraries are used. */
const openvinoWheel = {
  kind: 'wheel',
  name: 'openvino',
  version: '2026.4.1',
  tags: {
    python: '3.11',
    platforms: { x64: ['manylinux_2_28_x86_64'], arm64: ['manylinux_2_35_aarch64'] }[process.arch],
  },
  sha256: {
    x64: '2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf',
    arm64: 'bea1eb3733c34ef331adc945da0ccda5937865031139073663be84c517ffda22',
  }[process.arch],
  bytes: { x64: 59_130_756, arm64: 30_348_540 }[process.arch],
};

/** Of 534 MB the two entries that answer without a GPU; the rest is what builds on one. */
const trt10Jar = {
  kind: 'jar',
  name: 'org.bytedeco:tensorrt',
  version: '10.15-1.5.13',
  classifier: 'linux-x86_64-redist',
  sha256: 'e2e1e60693ff8158ae5a836aea19597dace94f7fdf9ad9e5dfa3081661d1a287',
  bytes: 302_631_253,
  entries: {
    x64: [
      {
        from: 'org/bytedeco/tensorrt/linux-x86_64/libnvinfer.so.10',
        first: 18_620_109,
        packedBytes: 300_747_129,
        bytes: 640_939_528,
        sha256: 'e2e1e60693ff8158ae5a836aea19597dace94f7fdf9ad9e5dfa3081661d1a287',
      },
      {
        from: 'org/bytedeco/tensorrt/linux-x86_64/libnvonnxparser.so.10',
        first: 8_845,
        packedBytes: 1_884_124,
        bytes: 4_758_576,
        sha256: 'f7dfe55ba0298a5d3b69c3d5cca5aa944021bcfc8a914bf9bac39b12422cbe32',
      },
    ],
  }[process.arch],
};

/** Headers of one flavour; `folder` is that of the crate, `id` also names the folder under headers/. */
const headers = (id, title, version, archive, folder) => ({
  id: `${id}-headers`,
  title,
  version,
  licence: 'Apache-2.0, stated in each file',
  proprietary: false,
  archive,
  target: `headers/${id}`,
  contents: [{ from: `TensorRT-Headers/${folder}`, to: '.' }],
  systemHeaders: version,
});

/**
 * @typedef {object} Part
 * @property {string} id
 * @property {string} title what people read
 * @property {string} version of the contents
 * @property {string} licence where its licence stands
 * @property {boolean} proprietary left out by TENSORRT_NODE_SKIP_NVIDIA=1
 * @property {boolean} [testsOnly] fetched for tests, by --tests
 * @property {Archive} archive what to download
 * @property {string} target folder under .sdk/, replaced as a whole
 * @property {{ from: string, to: string }[]} contents paths inside the unpacked archive, files or folders
 * @property {string} [systemHeaders] oldest version (of the same major) of installed headers that will do instead
 * @property {{ names: string[], oldest: string }} [systemLibraries] files that will do instead when one folder
 *   holds them all, from this version (of the same major) on
 *
 * @typedef {object} Archive
 * @property {'crate' | 'wheel' | 'jar'} kind a crate of the Rust registry, a wheel of PyPI, a jar of Maven Central
 * @property {string} name
 * @property {string} version
 * @property {string | undefined} sha256 undefined where there is none for this processor; of a jar, of which only
 *   entries are fetched, that of the first
 * @property {number} bytes about, of what is downloaded
 * @property {string} [classifier] of a jar
 * @property {{ python: string, platforms: string[] }} [tags] of a wheel that there is for several Pythons
 * @property {import('./jar.mjs').Entry[]} [entries] of a jar; absent where there are none for this processor
 */

/** @type {Part[]} */
export const parts = [
  headers('trt11', 'TensorRT 11 headers', '11.4', currentCrate, 'TRT-Enterprise-11.4'),
  headers('trt10', 'TensorRT 10 headers', '10.16', trt10Crate, 'TRT-Enterprise-10.16'),
  headers('rtx1', 'TensorRT for RTX headers', '1.7', currentCrate, 'TRT-RTX-1.7'),
  {
    id: 'extra-headers',
    title: 'Older TensorRT for RTX headers, to derive the version gates from',
    version: '1.3 to 1.6',
    licence: 'Apache-2.0, stated in each file',
    proprietary: false,
    archive: currentCrate,
    target: 'headers-extra',
    contents: ['1.3', '1.4', '1.5', '1.6'].map((version) => ({
      from: `TensorRT-Headers/TRT-RTX-${version}`,
      to: `rtx-${version}`,
    })),
  },
  {
    id: 'rtx1-libraries',
    title: 'TensorRT for RTX libraries',
    version: '1.7.1.116',
    licence: 'NVIDIA Software License Agreement, .sdk/lib/rtx1/LICENSE.txt',
    proprietary: true,
    archive: rtxWheel,
    target: 'lib/rtx1',
    contents: [
      { from: 'tensorrt_rtx_libs/libtensorrt_rtx.so.1', to: 'libtensorrt_rtx.so.1' },
      {
        from: 'tensorrt_rtx_libs/libtensorrt_onnxparser_rtx.so.1',
        to: 'libtensorrt_onnxparser_rtx.so.1',
      },
      {
        from: 'tensorrt_rtx_cu13_libs-1.7.1.116.dist-info/licenses/LICENSE.txt',
        to: 'LICENSE.txt',
      },
    ],
    systemLibraries: {
      names: ['libtensorrt_rtx.so.1', 'libtensorrt_onnxparser_rtx.so.1'],
      oldest: '1.5',
    },
  },
  {
    id: 'trt10-test-libraries',
    title: 'TensorRT 10 libraries, for tests',
    version: '10.15.1',
    licence:
      'NVIDIA Software License Agreement, https://docs.nvidia.com/deeplearning/tensorrt/latest/reference/sla.html',
    proprietary: true,
    testsOnly: true,
    archive: trt10Jar,
    // Beside .sdk/lib, where the package itself looks.
    target: 'test/trt10',
    contents: ['libnvinfer.so.10', 'libnvonnxparser.so.10'].map((name) => ({
      from: `org/bytedeco/tensorrt/linux-x86_64/${name}`,
      to: name,
    })),
  },
  {
    id: 'openvino-test-libraries',
    title: 'OpenVINO libraries and headers, for tests',
    version: '2026.4.1',
    licence: 'Apache-2.0, .sdk/test/openvino/licenses',
    proprietary: false,
    testsOnly: true,
    archive: openvinoWheel,
    target: 'test/openvino',
    contents: [
      ...[
        'libopenvino.so.2641',
        'libopenvino_c.so.2641',
        'libopenvino_ir_frontend.so.2641',
        'libopenvino_onnx_frontend.so.2641',
        `libopenvino_${process.arch === 'arm64' ? 'arm' : 'intel'}_cpu_plugin.so`,
        'libtbb.so.12',
      ].map((name) => ({ from: `openvino/libs/${name}`, to: `libs/${name}` })),
      { from: 'openvino/include', to: 'include' },
      { from: 'openvino-2026.4.1.dist-info/licenses', to: 'licenses' },
    ],
  },
];
