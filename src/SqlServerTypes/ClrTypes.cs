namespace Microsoft.SqlServer.Server;

/// <summary>How a CLR type is serialised.</summary>
public enum Format
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>By its fields.</summary>
    Native = 1,

    /// <summary>By itself: <see cref="IBinarySerialize"/>.</summary>
    UserDefined = 2,
}

/// <summary>Whether a CLR function reads user data.</summary>
public enum DataAccessKind
{
    /// <summary>It does not.</summary>
    None = 0,

    /// <summary>It does.</summary>
    Read = 1,
}

/// <summary>Whether a CLR function reads system data.</summary>
public enum SystemDataAccessKind
{
    /// <summary>It does not.</summary>
    None = 0,

    /// <summary>It does.</summary>
    Read = 1,
}

/// <summary>A CLR type that serialises itself.</summary>
public interface IBinarySerialize
{
    /// <summary>Reads the instance.</summary>
    void Read(BinaryReader r);

    /// <summary>Writes the instance.</summary>
    void Write(BinaryWriter w);
}

/// <summary>A type that is no CLR type of SQL Server.</summary>
#pragma warning disable RCS1194 // As the package has it.
public sealed class InvalidUdtException : SystemException
#pragma warning restore RCS1194
{
    /// <summary>For a type, and why it is none.</summary>
    public static InvalidUdtException Create(Type udtType, string resourceReason) => new($"{udtType}: {resourceReason}");

    private InvalidUdtException(string message)
        : base(message)
    {
    }
}

/// <summary>Marks a CLR type.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class SqlUserDefinedTypeAttribute(Format format) : Attribute
{
    /// <summary>How it is serialised.</summary>
    public Format Format => format;

    /// <summary>Its largest size in bytes.</summary>
    public int MaxByteSize { get; set; }

    /// <summary>Whether all instances have one size.</summary>
    public bool IsFixedLength { get; set; }

    /// <summary>Whether bytes compare as instances do.</summary>
    public bool IsByteOrdered { get; set; }

    /// <summary>The method that validates an instance.</summary>
    public string? ValidationMethodName { get; set; }

    /// <summary>Its name.</summary>
    public string? Name { get; set; }
}

/// <summary>Marks a CLR aggregate.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class SqlUserDefinedAggregateAttribute(Format format) : Attribute
{
    /// <summary>The largest size of a serialised instance.</summary>
    public const int MaxByteSizeValue = 8000;

    /// <summary>How it is serialised.</summary>
    public Format Format => format;

    /// <summary>Its largest size in bytes.</summary>
    public int MaxByteSize { get; set; }

    /// <summary>Whether duplicates do not matter.</summary>
    public bool IsInvariantToDuplicates { get; set; }

    /// <summary>Whether nulls do not matter.</summary>
    public bool IsInvariantToNulls { get; set; }

    /// <summary>Whether the order does not matter.</summary>
    public bool IsInvariantToOrder { get; set; }

    /// <summary>Whether nothing gives null.</summary>
    public bool IsNullIfEmpty { get; set; }

    /// <summary>Its name.</summary>
    public string? Name { get; set; }
}

/// <summary>Marks a CLR function.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public class SqlFunctionAttribute : Attribute
{
    /// <summary>Whether the same arguments give the same result.</summary>
    public bool IsDeterministic { get; set; }

    /// <summary>Whether the result is exact.</summary>
    public bool IsPrecise { get; set; }

    /// <summary>Whether it reads user data.</summary>
    public DataAccessKind DataAccess { get; set; }

    /// <summary>Whether it reads system data.</summary>
    public SystemDataAccessKind SystemDataAccess { get; set; }

    /// <summary>Its name.</summary>
    public string? Name { get; set; }

    /// <summary>The columns of a table that it gives.</summary>
    public string? TableDefinition { get; set; }

    /// <summary>The method that fills a row of that table.</summary>
    public string? FillRowMethodName { get; set; }
}

/// <summary>Marks a method of a CLR type.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class SqlMethodAttribute : SqlFunctionAttribute
{
    /// <summary>Whether it is called with a null.</summary>
    public bool OnNullCall { get; set; } = true;

    /// <summary>Whether it changes the instance.</summary>
    public bool IsMutator { get; set; }

    /// <summary>Whether a null instance gives null.</summary>
    public bool InvokeIfReceiverIsNull { get; set; }
}

/// <summary>Says more of what a CLR type or method gives.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property | AttributeTargets.ReturnValue | AttributeTargets.Parameter, Inherited = false)]
public sealed class SqlFacetAttribute : Attribute
{
    /// <summary>Whether all values have one size.</summary>
    public bool IsFixedLength { get; set; }

    /// <summary>The largest size.</summary>
    public int MaxSize { get; set; }

    /// <summary>Digits of a number.</summary>
    public int Precision { get; set; }

    /// <summary>Digits behind its point.</summary>
    public int Scale { get; set; }

    /// <summary>Whether it may be null.</summary>
    public bool IsNullable { get; set; }
}
