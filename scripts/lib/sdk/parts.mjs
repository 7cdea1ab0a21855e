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
 * @property {Archive} archive what to download
 * @property {string} target folder under .sdk/, replaced as a whole
 * @property {{ from: string, to: string }[]} contents paths inside the unpacked archive, files or folders
 * @property {string} [systemHeaders] oldest version (of the same major) of installed headers that will do instead
 * @property {{ names: string[], oldest: string }} [systemLibraries] files that will do instead when one folder
 *   holds them all, from this version (of the same major) on
 *
 * @typedef {object} Archive
 * @property {'crate' | 'wheel'} kind a crate of the Rust registry, a wheel of PyPI
 * @property {string} name
 * @property {string} version
 * @property {string | undefined} sha256 undefined where there is none for this processor
 * @property {number} bytes about
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
];
