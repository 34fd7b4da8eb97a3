# SPDX-License-Identifier: MIT
# Codecs, whose assembly is bit-exact on every processor: a moving picture and
# a tune of a seed, encoded and decoded again.
set -e
python3 - <<'PY'
import math
import random
import struct
rng = random.Random(4)
W, H, FRAMES = 176, 144, 6
with open("clip.y4m", "wb") as f:
    f.write(b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n" % (W, H))
    for t in range(FRAMES):
        f.write(b"FRAME\n")
        f.write(bytes((x * 2 + y * t + (x ^ y) + rng.randrange(9)) & 255
                      for y in range(H) for x in range(W)))
        f.write(bytes((x + t * 5 + c * 40) & 255 for c in (1, 3)
                      for y in range(H // 2) for x in range(W // 2)))
with open("picture.ppm", "wb") as f:
    f.write(b"P6\n%d %d\n255\n" % (W + 1, H + 3))
    f.write(bytes(int(127 + 120 * math.sin(x * c / 9 + y / 7)) for
                  y in range(H + 3) for x in range(W + 1) for c in (1, 2, 3)))
tune = [int(9000 * math.sin(i / 9) + 7000 * math.sin(i * i / 1e5) +
            rng.randrange(800)) for i in range(66150)]
data = struct.pack("<%dh" % len(tune), *tune)
with open("tune.wav", "wb") as f:
    f.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " +
            struct.pack("<IHHIIHH", 16, 1, 1, 44100, 88200, 2, 16) +
            b"data" + struct.pack("<I", len(data)) + data)
PY

show() {
    echo "$1 $(sha256sum <"$2")"
}

x265 --pools none --frame-threads 1 --no-info --preset medium \
    --log-level error -o clip.265 clip.y4m
show x265 clip.265
x265 --pools none --frame-threads 1 --no-info --preset slow --asm sse4.2 \
    --log-level error -o clip.265 clip.y4m
show "x265 sse4.2" clip.265
aomenc -q --threads=1 --cpu-used=6 --ivf -o clip.ivf clip.y4m
show aomenc clip.ivf
for mask in -1 0; do
    dav1d -q --cpumask $mask --threads 1 -i clip.ivf -o clip.yuv
    show "dav1d $mask" clip.yuv
done
for codec in vp8 vp9; do
    vpxenc -q --threads=1 --codec=$codec --ivf -o clip.vpx clip.y4m
    show "vpxenc $codec" clip.vpx
    vpxdec --rawvideo --i420 -o clip.yuv clip.vpx
    show "vpxdec $codec" clip.yuv
done
for dct in int fast float; do
    cjpeg -quality 80 -dct $dct picture.ppm >picture.jpg
    show "cjpeg $dct" picture.jpg
    djpeg -dct $dct picture.jpg >picture.out
    show "djpeg $dct" picture.out
done
cwebp -quiet -mt -q 70 picture.ppm -o picture.webp
show cwebp picture.webp
cwebp -quiet -lossless picture.ppm -o picture.webp
show "cwebp lossless" picture.webp
dwebp -quiet -ppm picture.webp -o picture.out
show dwebp picture.out
flac --silent --totally-silent -8 -f tune.wav -o tune.flac
show flac tune.flac
flac --totally-silent -d -f tune.flac -o back.wav
cmp tune.wav back.wav
lame --quiet -b 128 tune.wav tune.mp3
show lame tune.mp3
opusenc --quiet --serial 1 --bitrate 64 tune.wav tune.opus
opusdec --quiet tune.opus back.wav
show opus back.wav
