using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Stores compared text as UTF-8 bytes. Under every collation, SQL Server considers 'a' and 'a ' equal: two owners would be one. It compares bytes exactly,
/// except for trailing zeros, and no text here has U+0000.
/// </summary>
internal sealed class ComparedText() : ValueConverter<string, byte[]>(text => ToStored(text), bytes => Read(bytes))
{
    // Compared text has at most 255 code points of four bytes.
    private const int MaxLength = 4 * 255;

    /// <summary>The bytes of a column for text of at most so many code points, or twice as many UTF-16 units.</summary>
    public static int LengthOf(int characters) => Math.Min(4 * characters, MaxLength);

    /// <summary>The type of such a column.</summary>
    public static string ColumnTypeOf(int length) => string.Create(CultureInfo.InvariantCulture, $"varbinary({length})");

    public static byte[] ToStored(string text) => Encoding.UTF8.GetBytes(text);

    public static string Read(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}

/// <summary>
/// Stores uuids as bytes in the order of their text. A <c>uniqueidentifier</c> sorts by its last bytes first: ids of version 7 would be scattered over
/// their index, and lists would differ from other databases.
/// </summary>
internal sealed class UuidBytes() : ValueConverter<Guid, byte[]>(id => ToStored(id), bytes => Read(bytes))
{
    /// <summary>The type of such a column.</summary>
    public const string ColumnType = "binary(16)";

    private const int Size = 16;

    public static byte[] ToStored(Guid id) => id.ToByteArray(bigEndian: true);

    /// <summary>The uuid of stored bytes.</summary>
    /// <exception cref="InvalidCastException">They have another length: somebody changed the type of the column.</exception>
    public static Guid Read(byte[] bytes) => bytes.Length == Size ? new Guid(bytes, bigEndian: true) : throw new InvalidCastException("A uuid has another length.");
}

/// <summary>Stores moments in UTC, truncated to microseconds as on other databases.</summary>
internal sealed class WholeMicroseconds() : ValueConverter<DateTimeOffset, DateTimeOffset>(moment => ToStored(moment), moment => moment)
{
    /// <summary>Decimal places of a second.</summary>
    public const int Precision = 6;

    public static DateTimeOffset ToStored(DateTimeOffset moment) =>
        new(moment.UtcTicks - (moment.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
