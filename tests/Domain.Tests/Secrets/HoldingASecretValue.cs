using System.Collections;
using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.Json;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

public sealed class HoldingASecretValue
{
    private const string Plaintext = "sk-live-4711-do-not-print";
    private static readonly SecretValue Value = Values.Of(Plaintext);

    private static readonly JsonSerializerOptions[] Options =
    [
        JsonSerializerOptions.Default,
        new() { IncludeFields = true },
        JsonSerializerOptions.Web,
    ];

    [Fact]
    public void The_value_is_readable_only_through_Reveal() => Assert.Equal(Plaintext, Value.Text());

    [Fact]
    public void Every_text_form_is_stars()
    {
        Assert.Equal("***", Value.ToString());
        Assert.Equal("***", $"{Value}");
        Assert.Equal("***", $"{Value,3:X}");
        Assert.Equal("***", string.Concat("", Value));
        Assert.Equal("***", string.Format(null, "{0}", Value));
        Assert.Equal("{ Value = *** }", new { Value }.ToString());
        Assert.Equal("Request { Name = name, Value = *** }", new Request("name", Value).ToString());
        Assert.Equal("(name, ***)", ("name", Value).ToString());
        Assert.Equal("***", typeof(SecretValue).GetCustomAttribute<DebuggerDisplayAttribute>()?.Value);
    }

    [Fact]
    public void Serialising_a_value_throws_at_any_depth()
    {
        object[] holders =
        [
            Value,
            new Request("name", Value),
            new { Value },
            new { Nested = new { Value = (object)Value } },
            new[] { Value },
            new List<object> { Value },
            new Dictionary<string, SecretValue>(StringComparer.Ordinal) { ["value"] = Value },
            new Dictionary<SecretValue, string> { [Value] = "value" },
            new Hashtable { ["value"] = Value },
        ];
        foreach (var options in Options)
        {
            foreach (var holder in holders)
            {
                using var written = new MemoryStream();
                var exception = Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(written, holder, options));
                Assert.DoesNotContain(Plaintext, exception.ToString(), StringComparison.Ordinal);
                Assert.DoesNotContain(Plaintext, Encoding.UTF8.GetString(written.ToArray()), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_value_is_read_from_a_JSON_string_only()
    {
        Assert.Equal(Plaintext, JsonSerializer.Deserialize<SecretValue>($"\"{Plaintext}\"")!.Text());
        Assert.Null(JsonSerializer.Deserialize<SecretValue>("null"));
        foreach (var json in new[] { "4711", "true", "[\"4711\"]", "{\"value\":\"4711\"}" })
        {
            var exception = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SecretValue>(json));
            Assert.DoesNotContain("4711", exception.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(""" "\ud83d\udd11 \u00e9\n\"\\" """, "\U0001F511 \u00E9\n\"\\")]
    [InlineData(""" "" """, "")]
    public void JSON_escapes_are_decoded(string json, string text) =>
        Assert.Equal(text, JsonSerializer.Deserialize<SecretValue>(json)!.Text());

    [Fact]
    public void An_unpaired_surrogate_is_refused() =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SecretValue>(""" "abc\ud83d" """));

    [Fact]
    public void A_disposed_value_is_cleared_and_unreadable()
    {
        // No other test rents this size, so the returned memory is not rented again before the check.
        var text = new string('x', 300_000);
        var value = Values.Of(text);
        var plaintext = value.Reveal();
        var bytes = plaintext.Bytes;
        value.Dispose();
        value.Dispose();

        Assert.Equal(text, Encoding.UTF8.GetString(bytes));
        Assert.Throws<ObjectDisposedException>(() => value.Text());
        plaintext.Dispose();
        Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Only_Reveal_exposes_the_value()
    {
        const BindingFlags Everything = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static;
        var type = typeof(SecretValue);

        Assert.Empty(type.GetProperties(Everything | BindingFlags.NonPublic));
        Assert.All(type.GetFields(Everything), field => Assert.True(field.IsStatic));
        Assert.Equal(
            ["CountBytes", "Create", "Dispose", "Is", "Read", "Reveal", "ToString"],
            type.GetMethods(Everything | BindingFlags.DeclaredOnly).Select(method => method.Name).Order(StringComparer.Ordinal));
        Assert.Equal([typeof(IDisposable)], type.GetInterfaces());
        Assert.True(type.IsSealed);
    }

    [Fact]
    public void The_size_is_the_length_in_UTF_8() => Generated.ForAll(
        Generated.Value(0, 100),
        value => Assert.Equal(value.Text().EnumerateRunes().Sum(BytesOf), value.CountBytes()));

    private static int BytesOf(Rune rune) => rune.Value < 0x80 ? 1 : rune.Value < 0x800 ? 2 : rune.Value < 0x10000 ? 3 : 4;

    private sealed record Request(string Name, SecretValue Value);
}
