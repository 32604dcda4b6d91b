using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>
/// A credential as plaintext in UTF-8. Its memory is cleared on disposal: the creator must dispose it. Serialisers and loggers find no property,
/// <c>ToString</c> gives <c>***</c>, and writing it as JSON throws. Only <see cref="Reveal"/> gives the plaintext. It is no string, because strings cannot be cleared.
/// </summary>
[DebuggerDisplay("***")]
[JsonConverter(typeof(ReadOnlyConverter))]
public sealed class SecretValue : IDisposable
{
    /// <summary>Default limits of a user's value.</summary>
    public static readonly TextLength LengthOfUser = new(4, 1024);

    /// <summary>Limits of an organisation's value.</summary>
    public static readonly TextLength LengthOfOrganization = new(1, 45_000);

    /// <summary>The highest configurable limit of a user's value, in code points. Even fully escaped as JSON, such a value fits a request body.</summary>
    public const int LargestMaximum = 65_536;

    /// <summary>Limits of a user's value under any configuration. One API contract serves every installation, so the contract states these.</summary>
    public static readonly TextLength LargestLengthOfUser = LengthOfUser with { Maximum = LargestMaximum };

    private readonly IMemoryOwner<byte> _plaintext;
    private readonly int _size;

    // One for the value itself, and one for each open Plaintext. The last one clears the memory, so no reader sees memory that another request already reuses.
    private int _users = 1;
    private bool _isDisposed;

    /// <summary>Copies a UTF-8 plaintext. The validator of the request has checked its length.</summary>
    public SecretValue(ReadOnlySpan<byte> plaintext)
    {
        (_plaintext, _size) = (ClearingPool.Shared.Rent(plaintext.Length), plaintext.Length);
        plaintext.CopyTo(_plaintext.Memory.Span);
    }

    private SecretValue(IMemoryOwner<byte> plaintext, int size) => (_plaintext, _size) = (plaintext, size);

    /// <summary>Writes a plaintext into <paramref name="plaintext"/> and returns its size in bytes; null: no plaintext.</summary>
    public delegate int? Writer<TSource>(TSource source, Span<byte> plaintext)
        where TSource : allows ref struct;

    /// <summary>Writes a plaintext directly into the memory of a new value; null: <paramref name="write"/> returned none.</summary>
    /// <param name="maxSize">The largest size in bytes.</param>
    /// <param name="source">The argument of <paramref name="write"/>.</param>
    /// <param name="write">Writes the plaintext.</param>
    public static SecretValue? Create<TSource>(int maxSize, TSource source, Writer<TSource> write)
        where TSource : allows ref struct
    {
        var plaintext = ClearingPool.Shared.Rent(maxSize);
        SecretValue? value = null;
        try
        {
            return value = write(source, plaintext.Memory.Span[..maxSize]) is { } size ? new SecretValue(plaintext, size) : null;
        }
        finally
        {
            if (value is null)
            {
                plaintext.Dispose();
            }
        }
    }

    /// <summary>Reads a value from a JSON string.</summary>
    /// <exception cref="JsonException">The token is no string.</exception>
    /// <exception cref="InvalidOperationException">The string has an unpaired surrogate.</exception>
    public static SecretValue Read(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String
        ? Create(reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length, reader, static (json, plaintext) => json.CopyString(plaintext))!
        : throw new JsonException();

    /// <summary>The plaintext, readable until the result is disposed. An architecture test lists all callers.</summary>
    /// <exception cref="ObjectDisposedException">The value is disposed.</exception>
    public Plaintext Reveal()
    {
        for (var users = Volatile.Read(ref _users); ;)
        {
            ObjectDisposedException.ThrowIf(users == 0 || Volatile.Read(ref _isDisposed), this);
            var before = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (before == users)
            {
                return new Plaintext(this);
            }

            users = before;
        }
    }

    /// <summary>Whether the value equals a text that is no secret.</summary>
    public bool Is(string text)
    {
        using var plaintext = Reveal();
        return plaintext.Bytes.SequenceEqual(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Size in UTF-8 bytes, as counted by the quota.</summary>
    public int CountBytes() => _size;

    /// <summary>Clears the value as soon as no <see cref="Plaintext"/> of it is open.</summary>
    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _isDisposed, true))
        {
            Release();
        }
    }

    /// <inheritdoc />
    public override string ToString() => "***";

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _plaintext.Dispose();
        }
    }

    /// <summary>An open plaintext. Dispose it exactly once.</summary>
    public readonly ref struct Plaintext : IDisposable
    {
        private readonly SecretValue _value;

        internal Plaintext(SecretValue value)
        {
            _value = value;
            Bytes = value._plaintext.Memory.Span[..value._size];
        }

        /// <summary>The plaintext in UTF-8.</summary>
        public ReadOnlySpan<byte> Bytes { get; }

        /// <summary>Closes the plaintext. <see cref="Bytes"/> must not be read afterwards.</summary>
        public void Dispose() => _value.Release();
    }

    private sealed class ReadOnlyConverter : JsonConverter<SecretValue>
    {
        public override SecretValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => SecretValue.Read(ref reader);

        public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret value is never serialised.");
    }
}
