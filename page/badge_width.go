package page

import "unicode"

// glyphWidths are those of the printable characters of ASCII in Verdana at 11 pixels, from the space on, in hundredths of
// a pixel. DejaVu Sans, which stands in for it on many machines, has the same to a tenth.
var glyphWidths = [...]int{
	387, 433, 505, 900, 699, 1184, 799, 295, 500, 500, 699, 900, 400, 500, 400, 500,
	699, 699, 699, 699, 699, 699, 699, 699, 699, 699, 500, 500, 900, 900, 900, 600,
	1100, 752, 754, 768, 848, 696, 632, 853, 827, 463, 500, 762, 612, 927, 823, 866,
	663, 866, 765, 752, 678, 805, 752, 1088, 754, 677, 754, 500, 500, 500, 900, 699,
	699, 661, 685, 573, 685, 655, 387, 685, 696, 302, 379, 651, 302, 1070, 696, 668,
	685, 685, 469, 573, 433, 696, 651, 900, 651, 651, 578, 698, 500, 698, 900,
}

// textWidth is how wide a text is, in whole pixels. Beyond ASCII it is a guess: the browser fits the words to it.
func textWidth(text string) int {
	width := 0
	for _, r := range text {
		switch {
		case r >= ' ' && int(r-' ') < len(glyphWidths):
			width += glyphWidths[r-' ']
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r == '…' || r >= 0x1100 && r <= 0x11FF || r >= 0x2E80 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFAFF || r >= 0xFF00 && r <= 0xFF60 || r >= 0x1F000:
			width += 1150
		default:
			width += 720
		}
	}
	return (width + 99) / 100
}
