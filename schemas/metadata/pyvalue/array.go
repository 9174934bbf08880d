package pyvalue

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Array is a numpy array.
type Array struct {
	// Kind is numpy's: b, i, u, f, c, S, V, and O for texts of variable length.
	Kind byte
	// Size is the size of an element in bytes.
	Size  int
	Shape []int
	// Elements are the plain values, row-major.
	Elements []Value
}

// TypeName is what numpy calls the type.
func (Array) TypeName() string { return "numpy.ndarray" }

// Rows are what Python gets by iterating over the array.
func (a Array) Rows() []Value {
	if len(a.Shape) == 0 {
		return nil
	}
	rows := make([]Value, 0, a.Shape[0])
	for i := range a.Shape[0] {
		rows = append(rows, a.row(i))
	}
	return rows
}

func (a Array) row(i int) Value {
	if len(a.Shape) == 1 {
		if a.Kind == 'O' {
			return a.Elements[i]
		}
		return Scalar{a.Kind, a.Size, a.Elements[i]}
	}
	width := len(a.Elements) / max(a.Shape[0], 1)
	return Array{a.Kind, a.Size, a.Shape[1:], a.Elements[i*width : (i+1)*width]}
}

func shapeText(shape []int) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "×")
}

// numpy's print options as they are by default.
const (
	lineWidth = 75
	threshold = 1000
	edgeItems = 3
	precision = 8
)

// text is str() of the array.
func (a Array) text() string {
	if len(a.Elements) == 0 {
		return "[]"
	}
	p := arrayPrinter{array: a, summary: len(a.Elements) > threshold}
	p.prepare()
	return p.write(0, 0, " ", lineWidth)
}

// cell is the text of one element as it would stand in the array alone.
func (a Array) cell(i int) string {
	p := arrayPrinter{array: a}
	p.prepare()
	return strings.TrimSpace(p.format(a.Elements[i]))
}

// arrayPrinter lays out an array as numpy does: all cells equally wide.
type arrayPrinter struct {
	array   Array
	summary bool
	format  func(Value) string
}

func (p *arrayPrinter) prepare() {
	shown := p.shown(0, 0, nil)
	switch p.array.Kind {
	case 'f':
		p.format = p.floatFormat(shown)
	case 'i', 'u', 'b':
		width := 0
		if p.array.Kind == 'b' {
			width = len("False")
		}
		for _, v := range shown {
			width = max(width, len(Text(v)))
		}
		p.format = func(v Value) string {
			text := Text(v)
			return strings.Repeat(" ", max(0, width-len(text))) + text
		}
	case 'V':
		p.format = func(v Value) string { return Text(Scalar{'V', 0, v}) }
	default:
		p.format = Repr
	}
}

// shown lists the elements that will be printed: without a summary, all.
func (p *arrayPrinter) shown(axis, offset int, list []Value) []Value {
	a := p.array
	if !p.summary {
		return a.Elements
	}
	if axis == len(a.Shape) {
		return append(list, a.Elements[offset])
	}
	stride := p.stride(axis)
	for i := range a.Shape[axis] {
		if p.cut(axis) && i >= edgeItems && i < a.Shape[axis]-edgeItems {
			continue
		}
		list = p.shown(axis+1, offset+i*stride, list)
	}
	return list
}

func (p *arrayPrinter) cut(axis int) bool {
	return p.summary && p.array.Shape[axis] > 2*edgeItems
}

func (p *arrayPrinter) stride(axis int) int {
	stride := 1
	for _, n := range p.array.Shape[axis+1:] {
		stride *= n
	}
	return stride
}

// write is the text of the part of the array at offset. The hanging indent
// grows with each axis, and so does what the closing brackets need.
func (p *arrayPrinter) write(axis, offset int, indent string, width int) string {
	shape := p.array.Shape
	if axis == len(shape) {
		return p.format(p.array.Elements[offset])
	}
	var entries []string
	for i := range shape[axis] {
		if p.cut(axis) && i == edgeItems {
			entries = append(entries, "...")
		}
		if p.cut(axis) && i >= edgeItems && i < shape[axis]-edgeItems {
			continue
		}
		entries = append(entries, p.write(axis+1, offset+i*p.stride(axis), indent+" ", width-1))
	}
	if left := len(shape) - axis; left > 1 {
		return "[" + strings.Join(entries, strings.Repeat("\n", left-1)+indent) + "]"
	}
	return "[" + wrapped(entries, indent, width-1)[len(indent):] + "]"
}

// wrapped puts the entries on lines of at most width characters, each of which
// begins with the indent.
func wrapped(entries []string, indent string, width int) string {
	var sb strings.Builder
	line, length := indent, len(indent)
	for i, e := range entries {
		size := utf8.RuneCountInString(e)
		if length+size > width && length > len(indent) {
			sb.WriteString(strings.TrimRight(line, " ") + "\n")
			line, length = indent, len(indent)
		}
		line += e
		length += size
		if i < len(entries)-1 {
			line += " "
			length++
		}
	}
	return sb.String() + line
}

// floatFormat decides between positional and scientific notation for all cells
// together and pads them around the decimal point.
func (p *arrayPrinter) floatFormat(shown []Value) func(Value) string {
	var finite []float64
	special := 0
	for _, v := range shown {
		f, err := ToFloat(v)
		switch {
		case err != nil:
		case math.IsNaN(float64(f)), math.IsInf(float64(f), 0):
			special = max(special, len(FloatText(float64(f))))
		default:
			finite = append(finite, float64(f))
		}
	}
	style := floatStyle{size: p.array.Size, scientific: wantsExponent(finite, p.array.Size)}
	style.measure(finite, special)
	return func(v Value) string {
		f, err := ToFloat(v)
		if err != nil {
			return Repr(v)
		}
		return style.cell(float64(f))
	}
}

// wantsExponent follows numpy: numbers that are extreme for the type, or far
// apart.
func wantsExponent(finite []float64, size int) bool {
	limit := 1e8
	switch size {
	case 2:
		limit = 1e3
	case 4:
		limit = 1e6
	}
	largest, smallest := 0.0, math.Inf(1)
	for _, f := range finite {
		if abs := math.Abs(f); abs != 0 {
			largest, smallest = max(largest, abs), min(smallest, abs)
		}
	}
	return largest != 0 && (largest >= limit || smallest < 1e-4 || largest/smallest > 1000)
}
