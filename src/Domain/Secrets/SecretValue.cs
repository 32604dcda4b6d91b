using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>
/// A credential in the clear, in UTF-8 and in memory that is cleared: whoever makes one disposes it. It prints as <c>***</c>, has no property for a serialiser or logger
/// to find, and refuses to be written as JSON; <see cref="Reveal"/> is the one way out and can be searched for. It is never a string: strings cannot be cleared.
/// </summary>
[DebuggerDisplay("***")]
[JsonConverter(typeof(ReadOnlyConverter))]
public sealed class SecretValue : IDisposable
{
    /// <summary>Length of a user's value where nothing else is configured.</summary>
    public static readonly TextLength LengthOfUser = new(4, 1024);

    /// <summary>Length of an organisation's value.</summary>
    public static readonly TextLength LengthOfOrganization = new(1, 45_000);

    /// <summary>The most that can be configured as the longest value of a user, in code points. All of it escaped as JSON still fits a request body.</summary>
    public const int LargestMaximum = 65_536;

    /// <summary>Length of a user's value under any configuration. The contract states it, because one contract and its clients serve every installation.</summary>
    public static readonly TextLength LargestLengthOfUser = LengthOfUser with { Maximum = LargestMaximum };

    private readonly IMemoryOwner<byte> _plaintext;
    private readonly int _size;

    // The value itself and everybody who has it revealed. The last one clears it, so nobody ever reads memory that is somebody else's by then.
    private int _users = 1;
    private bool _isDisposed;

    /// <summary>Takes a copy of a plaintext, which is UTF-8. Its length is validated where it comes in.</summary>
    public SecretValue(ReadOnlySpan<byte> plaintext)
    {
        (_plaintext, _size) = (ClearingPool.Shared.Rent(plaintext.Length), plaintext.Length);
        plaintext.CopyTo(_plaintext.Memory.Span);
    }

    private SecretValue(IMemoryOwner<byte> plaintext, int size) => (_plaintext, _size) = (plaintext, size);

    /// <summary>Writes a plaintext into <paramref name="plaintext"/> and returns its size in bytes; null: there is none.</summary>
    public delegate int? Writer<TSource>(TSource source, Span<byte> plaintext)
        where TSource : allows ref struct;

    /// <summary>A value whose plaintext is written straight into its own memory; null: <paramref name="write"/> had none.</summary>
    /// <param name="maxSize">The most bytes that it may have.</param>
    /// <param name="source">What it is made from.</param>
    /// <param name="write">Makes it.</param>
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
    /// <exception cref="JsonException">It is no string.</exception>
    /// <exception cref="InvalidOperationException">It has an unpaired surrogate.</exception>
    public static SecretValue Read(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String
        ? Create(reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length, reader, static (json, plaintext) => json.CopyString(plaintext))!
        : throw new JsonException();

    /// <summary>The plaintext, until the result is disposed. Every caller is a place where a value leaves its wrapper.</summary>
    /// <exception cref="ObjectDisposedException">The value is cleared, or is to be.</exception>
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

    /// <summary>Whether the value is that text, which is no secret.</summary>
    public bool Is(string text)
    {
        using var plaintext = Reveal();
        return plaintext.Bytes.SequenceEqual(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Bytes that the value takes in UTF-8: what the quota counts.</summary>
    public int CountBytes() => _size;

    /// <summary>Clears the value, or has it cleared by the last who has it revealed.</summary>
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

    /// <summary>A value that is revealed. Dispose it, and once.</summary>
    public readonly ref struct Plaintext : IDisposable
    {
        private readonly SecretValue _value;

        internal Plaintext(SecretValue value)
        {
            _value = value;
            Bytes = value._plaintext.Memory.Span[..value._size];
        }

        /// <summary>It in UTF-8.</summary>
        public ReadOnlySpan<byte> Bytes { get; }

        /// <summary>Ends the time for which it is revealed.</summary>
        public void Dispose() => _value.Release();
    }

    private sealed class ReadOnlyConverter : JsonConverter<SecretValue>
    {
        public override SecretValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => SecretValue.Read(ref reader);

        public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret value is never serialised.");
    }
}
