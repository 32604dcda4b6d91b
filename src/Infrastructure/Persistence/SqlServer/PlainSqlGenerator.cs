using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore.Query;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using Microsoft.EntityFrameworkCore.SqlServer.Infrastructure.Internal;
using Microsoft.EntityFrameworkCore.SqlServer.Query.Internal;
using Microsoft.EntityFrameworkCore.Storage;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Compares owners by the hash of their id (<see cref="OwnerKey"/>). Writes <c>a = x OR a = y</c> in place of <c>a IN (x, y)</c> for binary values, which means
/// the same: Babelfish cannot search an index for a list of binary values.
/// </summary>
#pragma warning disable EF1001 // The generator of SQL Server is internal to EF Core. Its version is pinned, and the tests on a server use every query.
internal sealed class PlainSqlGenerator(
    QuerySqlGeneratorDependencies dependencies, IRelationalTypeMappingSource types, ISqlServerSingletonOptions options)
    : SqlServerQuerySqlGenerator(dependencies, types, options)
{
    protected override Expression VisitSqlBinary(SqlBinaryExpression sqlBinaryExpression)
    {
        var (kind, left, right) = (sqlBinaryExpression.OperatorType, sqlBinaryExpression.Left, sqlBinaryExpression.Right);
        if (kind is not (ExpressionType.Equal or ExpressionType.NotEqual) || (OwnerKey.Of(left) ?? OwnerKey.Of(right)) is null)
        {
            return base.VisitSqlBinary(sqlBinaryExpression);
        }

        CompareOwners(left, isNegated: kind == ExpressionType.NotEqual, right);
        return sqlBinaryExpression;
    }

    /// <summary>Asks the key whether it is null: indexes have the key.</summary>
    protected override Expression VisitSqlUnary(SqlUnaryExpression sqlUnaryExpression)
    {
        if (sqlUnaryExpression is not { OperatorType: ExpressionType.Equal or ExpressionType.NotEqual, Operand: var operand } || OwnerKey.Of(operand) is null)
        {
            return base.VisitSqlUnary(sqlUnaryExpression);
        }

        WriteKey(operand);
        Sql.Append(sqlUnaryExpression.OperatorType == ExpressionType.Equal ? " IS NULL" : " IS NOT NULL");
        return sqlUnaryExpression;
    }

    protected override void GenerateIn(InExpression inExpression, bool negated)
    {
        var (item, values) = (inExpression.Item, inExpression.Values);
        var isOwner = OwnerKey.Of(item) is not null;
        if (isOwner && values is null)
        {
            throw new NotSupportedException("Owners are compared one by one: SQL Server would compare their padded text in a subquery.");
        }

        if (values is null || !(isOwner || (values.Count > 1 && item.TypeMapping?.Converter?.ProviderClrType == typeof(byte[]))))
        {
            base.GenerateIn(inExpression, negated);
            return;
        }

        Sql.Append("(");
        for (var place = 0; place < values.Count; place++)
        {
            Sql.Append(place == 0 ? "" : negated ? " AND " : " OR ");
            if (isOwner)
            {
                CompareOwners(item, negated, values[place]);
            }
            else
            {
                Visit(item);
                Sql.Append(negated ? " <> " : " = ");
                Visit(values[place]);
            }
        }

        Sql.Append(")");
    }

    /// <summary>Compares the key of one side with the hash of the other, even if that has a key too: a query may have grouped its rows by the id alone.</summary>
    private void CompareOwners(SqlExpression left, bool isNegated, SqlExpression right)
    {
        var (column, other) = OwnerKey.Of(left) is null ? (right, left) : (left, right);
        WriteKey(column);
        Sql.Append(isNegated ? " <> " : " = ").Append(OwnerKey.HashStart);
        Visit(other);
        Sql.Append(OwnerKey.HashEnd);
    }

    private void WriteKey(SqlExpression column)
    {
        var helper = Dependencies.SqlGenerationHelper;
        Sql.Append($"{helper.DelimitIdentifier(((ColumnExpression)column).TableAlias)}.{helper.DelimitIdentifier(OwnerKey.Of(column)!)}");
    }

    /// <summary>Makes the generator for each query.</summary>
    internal sealed class Factory(QuerySqlGeneratorDependencies dependencies, IRelationalTypeMappingSource types, ISqlServerSingletonOptions options)
        : IQuerySqlGeneratorFactory
    {
        public QuerySqlGenerator Create() => new PlainSqlGenerator(dependencies, types, options);
    }
}
#pragma warning restore EF1001
