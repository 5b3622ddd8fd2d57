package document

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// sort is what a node is. There are no numbers and no booleans among the scalars: what a scalar means follows from
// where it stands, so that a title of 2027 is a text.
type sort int

const (
	nothing sort = iota
	scalar
	mapping
	list
)

// node is a value of a document with its place. Aliases and merges are already replaced by what they stand for.
type node struct {
	sort         sort
	line, column int
	// text is a scalar's, and block whether it is written below "|", where its lines are those of the file.
	text  string
	block bool
	// pairs are a mapping's, in order, and items a list's.
	pairs []pair
	items []*node
	// size counts the nodes that this one expands to.
	size int
}

// pair is a key with its value.
type pair struct {
	key   *node
	value *node
}

// value finds the value of a key.
func (n *node) value(key string) (*node, bool) {
	if n == nil || n.sort != mapping {
		return nil, false
	}
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value, true
		}
	}
	return nil, false
}

// mostNodes bounds what the aliases of a document expand to.
const mostNodes = 50_000

// parse makes a tree of every document in the source that is not empty.
func parse(src *source) ([]*node, error) {
	if err := checkText(src); err != nil {
		return nil, err
	}
	tokens := whole(lexer.Tokenize(src.text))
	if err := checkTokens(src, tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(src, err)
	}
	b := builder{src: src}
	var trees []*node
	for _, d := range file.Docs {
		if d == nil || d.Body == nil {
			continue
		}
		b.anchors = make(map[string]*node)
		if tree := b.build(d.Body); tree.sort != nothing {
			trees = append(trees, tree)
		}
	}
	if err := joined(b.faults); err != nil {
		return nil, err
	}
	return trees, nil
}

// builder makes nodes of what the parser returns.
type builder struct {
	src     *source
	anchors map[string]*node
	faults  []*Error
	stopped bool
}

func (b *builder) refuse(at *node, rule string) {
	b.faults = append(b.faults, b.src.errorAt(at.line, at.column, "", rule))
}

// build makes a node. What cannot be a part of a document becomes nothing, and a fault.
func (b *builder) build(from ast.Node) *node {
	n := &node{size: 1}
	if from == nil || from.GetToken() == nil {
		return n
	}
	position := from.GetToken().Position
	n.line, n.column = position.Line, position.Column
	switch v := from.(type) {
	case *ast.AnchorNode:
		target := b.build(v.Value)
		b.anchors[nameOf(v.Name)] = target
		return target
	case *ast.AliasNode:
		return b.alias(n, nameOf(v.Value))
	case *ast.MappingNode:
		b.mapping(n, v.Values)
	case *ast.MappingValueNode:
		b.mapping(n, []*ast.MappingValueNode{v})
	case *ast.SequenceNode:
		n.sort = list
		for _, item := range v.Values {
			child := b.build(item)
			n.items = append(n.items, child)
			b.count(n, child.size)
		}
	case *ast.LiteralNode:
		n.sort, n.block = scalar, v.Start.Type == token.LiteralType
		if v.Value != nil {
			n.text = v.Value.Value
		}
	case *ast.StringNode:
		n.sort, n.text = scalar, v.Value
	case *ast.NullNode:
		n.sort = nothing
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		n.sort, n.text = scalar, from.GetToken().Value
	default:
		b.refuse(n, "this form of YAML is not understood: use texts, lists and mappings")
	}
	return n
}

// alias is the node that a name stands for.
func (b *builder) alias(at *node, name string) *node {
	target, known := b.anchors[name]
	if !known {
		b.refuse(at, fmt.Sprintf("the alias *%s stands for nothing: its anchor &%s must come before it, in the same document", name, name))
		return at
	}
	return target
}

// mapping adds the pairs to n, and after them those that are merged in and not given themselves.
func (b *builder) mapping(n *node, values []*ast.MappingValueNode) {
	n.sort = mapping
	seen := make(map[string]*node, len(values))
	var merged []*node
	for i, v := range values {
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			merged = append(merged, b.build(v.Value))
			continue
		}
		key, value := b.build(v.Key), b.build(v.Value)
		if i == 0 && n.column > key.column {
			n.line, n.column = key.line, key.column
		}
		if key.sort != scalar {
			b.refuse(key, "a key must be a word")
			continue
		}
		if before, twice := seen[key.text]; twice {
			b.refuse(key, fmt.Sprintf("duplicate key %s: it is given in line %d already", shown(key.text), before.line))
			continue
		}
		if value.sort == nothing && value.line == 0 {
			value.line, value.column = key.line, key.column
		}
		seen[key.text] = key
		n.pairs = append(n.pairs, pair{key, value})
		b.count(n, value.size+1)
	}
	for _, m := range merged {
		b.merge(n, m, seen)
	}
}

func (b *builder) merge(n, from *node, seen map[string]*node) {
	switch from.sort {
	case list:
		for _, item := range from.items {
			if item.sort != mapping {
				b.refuse(item, "only a mapping can be merged with <<")
				return
			}
			b.merge(n, item, seen)
		}
	case mapping:
		for _, p := range from.pairs {
			if seen[p.key.text] == nil {
				seen[p.key.text] = p.key
				n.pairs = append(n.pairs, p)
				b.count(n, p.value.size+1)
			}
		}
	default:
		b.refuse(from, "only a mapping can be merged with <<")
	}
}

// count adds to the size of n, and drops what it holds when that is too much, so that nobody walks over it.
func (b *builder) count(n *node, size int) {
	if n.size += size; n.size <= mostNodes {
		return
	}
	n.pairs, n.items, n.size = nil, nil, 1
	if !b.stopped {
		b.stopped = true
		b.refuse(n, "its aliases expand to too much: write the values out")
	}
}

func nameOf(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}
